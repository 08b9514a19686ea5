// The door to a running pipeline: its numbers for everybody, the rest for who may read its state
// folder (docs/formats/pipeline-api.md).
#pragma once

#include "base/files.hpp"
#include "base/network.hpp"
#include "base/result.hpp"
#include "http/http.hpp"

#include "pipeline/pipeline.hpp"

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

namespace quern::pipeline {

// A file of the page.
struct PageFile {
  std::string_view type;  // its content-type
  std::string_view bytes;
};

// Threads: `quern-control` answers, `quern-tap` one for each who looks.
class Control {
 public:
  virtual ~Control() = default;
  virtual std::string url() const = 0;  // "http://127.0.0.1:PORT"

  struct Parts {
    Pipeline& pipeline;
    Files& files;
    std::map<std::string, PageFile> page;  // by path: "/", "/pipe.js"; may be empty
  };
  // Listens where the file says, else on a free port of this machine; writes address and token into
  // the state folder, which only its owner may read. What errors listening may have.
  static Result<std::unique_ptr<Control>> start(Parts parts);
};

// Where a running pipeline's door is.
struct ControlAddress {
  std::string url;
  std::string token;
};
// not_found: no pipeline runs with this state folder.
Result<ControlAddress> find_control(Files& files, const std::filesystem::path& state);

// Prometheus' text form of all that is counted.
// https://prometheus.io/docs/instrumenting/exposition_formats/
std::string prometheus_text(const Pipeline& pipeline);
// The stages as JSON, for `quern pipe top` and the page.
std::string stages_json(const Pipeline& pipeline);

}  // namespace quern::pipeline
