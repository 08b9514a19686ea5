// jsdom has no IndexedDB; the tests get one that lives in memory.
import "fake-indexeddb/auto";
