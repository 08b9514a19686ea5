#include "logs/on_fault.hpp"

namespace quern::logs {

Result<OnFault> read_on_fault(Settings& settings) {
  const std::string word = TRY(settings.one_of("on_fault", {"pass", "drop", "dead_letter"}));
  // find: g++ 12 takes what == reads for uninitialized here.
  if (word.find("drop") == 0) return OnFault::drop;
  return word.find("pass") == 0 ? OnFault::pass : OnFault::dead_letter;
}

void take_fault(Filtered& out, const Entry& entry, OnFault policy, std::string_view stage,
                std::string_view reason) {
  ++out.faults;
  switch (policy) {
    case OnFault::pass: out.kept.add(entry); break;
    case OnFault::drop: ++out.dropped; break;
    case OnFault::dead_letter: mark_dead(out.dead, entry, stage, reason); break;
  }
}

}  // namespace quern::logs
