// What the pipeline counts of each stage. Of any thread.
#pragma once

#include <atomic>
#include <cstdint>

namespace quern::pipeline {

struct Counters {
  std::atomic<std::uint64_t> records_in{0};
  std::atomic<std::uint64_t> bytes_in{0};
  std::atomic<std::uint64_t> records_out{0};
  std::atomic<std::uint64_t> bytes_out{0};
  std::atomic<std::uint64_t> dropped{0};  // records: on purpose, or for want of room
  std::atomic<std::uint64_t> faults{
      0};  // records of filters, failed attempts of outputs, ends of inputs
  std::atomic<std::uint64_t> dead{0};  // records that became dead letters
};

}  // namespace quern::pipeline
