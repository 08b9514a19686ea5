// The terminal, or whatever stands in its place, as a seam.
#pragma once

#include "base/result.hpp"

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace quern::cli {

// Writes from one thread at a time. Text is written at once, unbuffered. A write that fails ends
// nothing: a server goes on without its terminal, and run() asks lost_output() in the end.
class Console {
 public:
  virtual ~Console() = default;
  virtual void out(std::string_view text) = 0;
  virtual void err(std::string_view text) = 0;
  // Why something given to out() was not written, if that is so. A reader that went away wanted no
  // more and is no error. Nobody can be told what err() lost.
  virtual std::optional<Error> lost_output() const = 0;
  // Is a person looking at stdout (stderr), or typing on stdin?
  virtual bool out_is_terminal() const = 0;
  virtual bool err_is_terminal() const = 0;
  virtual bool in_is_terminal() const = 0;
  // Columns of the terminal; 80 when there is none.
  virtual std::size_t width() const = 0;
  // The whole of stdin, for piped prompts; at most `limit` bytes.
  virtual std::string read_all(std::size_t limit) = 0;
};

// Without control characters but line ends and tabs: what a model, a guest or a clipboard wrote may
// not move the cursor, change colours or talk to the terminal.
std::string harmless(std::string_view text);

class RealConsole final : public Console {
 public:
  void out(std::string_view text) override;
  void err(std::string_view text) override;
  std::optional<Error> lost_output() const override { return lost_; }
  bool out_is_terminal() const override;
  bool err_is_terminal() const override;
  bool in_is_terminal() const override;
  std::size_t width() const override;
  std::string read_all(std::size_t limit) override;

 private:
  std::optional<Error> lost_;
};

// Keeps what was written; reads what it was given.
class FakeConsole final : public Console {
 public:
  std::string written_out;
  std::string written_err;
  std::string input;
  std::optional<Error> lost;
  bool terminal = false;
  std::size_t columns = 80;

  void out(std::string_view text) override { written_out += text; }
  void err(std::string_view text) override { written_err += text; }
  std::optional<Error> lost_output() const override { return lost; }
  bool out_is_terminal() const override { return terminal; }
  bool err_is_terminal() const override { return terminal; }
  bool in_is_terminal() const override { return terminal; }
  std::size_t width() const override { return columns; }
  std::string read_all(std::size_t limit) override { return input.substr(0, limit); }
};

}  // namespace quern::cli
