// plugins: log records through WebAssembly that others wrote.
#pragma once

#include "plugins/components.hpp"
