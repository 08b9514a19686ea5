// Waiting for many answers on one thread: poll(2) over their descriptors, and one more that wakes it
// when another answer is to be waited for. Node's own loop cannot watch such a descriptor.
import koffi from "koffi";

const libc = koffi.load("libc.so.6");
const poll = libc.func("int poll(void* descriptors, unsigned long count, int timeout)");
const eventfd = libc.func("int eventfd(unsigned int count, int flags)");
const ring = libc.func("int eventfd_write(int descriptor, uint64_t value)");
const silence = libc.func("int eventfd_read(int descriptor, _Out_ uint64_t* value)");

const CLOSE_ON_EXEC_AND_NO_WAITING = 0o2004000;
const READABLE = 1; // POLLIN; what else poll() tells is told as well
const EINTR = 4;

let wake = -1;
let polling = false;
const waiting = new Map(); // descriptor -> functions to call

/** Resolves when the descriptor is readable, or is none any more. */
export function readable(descriptor) {
  return new Promise((resolve) => {
    waiting.set(descriptor, [...(waiting.get(descriptor) ?? []), resolve]);
    if (polling) ring(wake, 1);
    else look();
  });
}

// One struct pollfd is a descriptor and, in the other half, what is asked for and what is told.
function look() {
  if (wake < 0) wake = eventfd(0, CLOSE_ON_EXEC_AND_NO_WAITING);
  const descriptors = [wake, ...waiting.keys()];
  const asked = Int32Array.from(descriptors.flatMap((each) => [each, READABLE]));
  polling = true;
  poll.async(asked, descriptors.length, -1, (error, count) => {
    polling = false;
    if (error) throw error;
    if (count < 0 && koffi.errno() !== EINTR) throw new Error(`poll: errno ${koffi.errno()}`);
    if (asked[1] >>> 16) silence(wake, [0]);
    for (let i = 1; i < descriptors.length; ++i) {
      if (asked[2 * i + 1] >>> 16 === 0) continue;
      const ready = waiting.get(descriptors[i]);
      waiting.delete(descriptors[i]);
      ready.forEach((resolve) => resolve());
    }
    if (waiting.size > 0) look();
  });
}
