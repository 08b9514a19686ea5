// What happens before what, told to ThreadSanitizer. Nothing in every other build.
//
// The bridge is Rust: its locks and queues order our callbacks, one thread's after another's, and
// the sanitizer sees none of them.
#pragma once

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define QUERN_TELL_ORDER
#endif
#endif

// Marks a callback: a guest's fiber, and so the stack of its callbacks, goes from thread to thread,
// and before InTurn has said so the sanitizer must not look.
#ifdef QUERN_TELL_ORDER
#define QUERN_CALLBACK __attribute__((no_sanitize("thread")))
#else
#define QUERN_CALLBACK
#endif

namespace quern::wasm {

#ifdef QUERN_TELL_ORDER
void comes_before(void* object);
void comes_after(void* object);
// What the bridge orders among objects.
void comes_before_what_ends();
void comes_after_all();
// What lies below on this stack was another thread's.
void stack_changed_hands();
#else
inline void comes_before(void*) {}
inline void comes_after(void*) {}
inline void comes_before_what_ends() {}
inline void comes_after_all() {}
inline void stack_changed_hands() {}
#endif

// An object that the bridge gets, to name it in callbacks.
template <class T>
T* hand_over(T* object) {
  comes_before(object);
  return object;
}

// In a callback: after what was done before the object was handed over, and after this instance's
// other callbacks.
class InTurn {
 public:
  QUERN_CALLBACK explicit InTurn(void* object) : object_(object) {
    stack_changed_hands();
    comes_after(object);
  }
  InTurn(const InTurn&) = delete;
  InTurn& operator=(const InTurn&) = delete;
  ~InTurn() {
    comes_before(object_);
    comes_before_what_ends();
  }

 private:
  void* object_;
};

// In a callback that tells of an answer or of an end, or drops its object: after every callback
// that is over.
class AfterAll {
 public:
  QUERN_CALLBACK explicit AfterAll(void* object) {
    stack_changed_hands();
    comes_after(object);
    comes_after_all();
  }
  AfterAll(const AfterAll&) = delete;
  AfterAll& operator=(const AfterAll&) = delete;
  ~AfterAll() { comes_before_what_ends(); }
};

}  // namespace quern::wasm
