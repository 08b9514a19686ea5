// What a browser has and the test environments lack.

import { webcrypto } from "node:crypto";
// jsdom has no IndexedDB; the tests get one that lives in memory.
import "fake-indexeddb/auto";

// Node 18 does not offer it as a global yet.
globalThis.crypto ??= webcrypto as Crypto;
