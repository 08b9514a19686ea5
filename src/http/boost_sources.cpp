// The compiled parts of Asio and Beast, once. Everything else in http/ includes only declarations
// (BOOST_ASIO_SEPARATE_COMPILATION and its sisters are set in CMakeLists.txt).
#include <boost/asio/impl/src.hpp>
#include <boost/asio/ssl/impl/src.hpp>
#include <boost/beast/src.hpp>
