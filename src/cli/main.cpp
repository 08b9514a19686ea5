// Where the parts of the outside world are made. Signals come first: every later thread inherits
// that they are blocked.
#include "cli/cli.hpp"

#ifdef QUERN_HAS_CHAT
// See cmake/QuernEmbed.cmake.
extern "C" {
extern const std::byte quern_embed_chat_wasm_begin[];   // NOLINT(readability-identifier-naming)
extern const std::byte quern_embed_chat_wasm_end[];     // NOLINT(readability-identifier-naming)
extern const std::byte quern_embed_model_wasm_begin[];  // NOLINT(readability-identifier-naming)
extern const std::byte quern_embed_model_wasm_end[];    // NOLINT(readability-identifier-naming)
extern const std::byte quern_embed_chat_image_begin[];  // NOLINT(readability-identifier-naming)
extern const std::byte quern_embed_chat_image_end[];    // NOLINT(readability-identifier-naming)
extern const std::byte quern_embed_templates_begin[];   // NOLINT(readability-identifier-naming)
extern const std::byte quern_embed_templates_end[];     // NOLINT(readability-identifier-naming)
}
#endif
#ifdef QUERN_HAS_PIPE_PAGE
extern "C" {
extern const std::byte quern_embed_pipe_html_begin[];  // NOLINT(readability-identifier-naming)
extern const std::byte quern_embed_pipe_html_end[];    // NOLINT(readability-identifier-naming)
extern const std::byte quern_embed_pipe_js_begin[];    // NOLINT(readability-identifier-naming)
extern const std::byte quern_embed_pipe_js_end[];      // NOLINT(readability-identifier-naming)
extern const std::byte quern_embed_pipe_css_begin[];   // NOLINT(readability-identifier-naming)
extern const std::byte quern_embed_pipe_css_end[];     // NOLINT(readability-identifier-naming)
extern const std::byte quern_embed_pipe_svg_begin[];   // NOLINT(readability-identifier-naming)
extern const std::byte quern_embed_pipe_svg_end[];     // NOLINT(readability-identifier-naming)
}
#endif

int main(int argc, char** argv) {
  using namespace quern;
  cli::Signals signals;
  allow_many_files();
  SystemClock clock;
  RealFiles files;
  RealProcess process;
  cli::RealConsole console;
  cli::World world{.clock = clock,
                   .files = files,
                   .process = process,
                   .console = console,
                   .signals = signals,
                   .chat_wasm = {},
                   .chat_image = {},
                   .templates = {},
                   .model_wasm = {},
                   .pipe_page = {}};
#ifdef QUERN_HAS_CHAT
  world.chat_wasm = {quern_embed_chat_wasm_begin, quern_embed_chat_wasm_end};
  world.model_wasm = {quern_embed_model_wasm_begin, quern_embed_model_wasm_end};
  world.chat_image = {quern_embed_chat_image_begin, quern_embed_chat_image_end};
  world.templates = {quern_embed_templates_begin, quern_embed_templates_end};
#endif
#ifdef QUERN_HAS_PIPE_PAGE
  world.pipe_page = {.html = {quern_embed_pipe_html_begin, quern_embed_pipe_html_end},
                     .script = {quern_embed_pipe_js_begin, quern_embed_pipe_js_end},
                     .style = {quern_embed_pipe_css_begin, quern_embed_pipe_css_end},
                     .icon = {quern_embed_pipe_svg_begin, quern_embed_pipe_svg_end}};
#endif
  return cli::run({argv + 1, argv + argc}, world);
}
