// Two tabs of one browser share the storage: what one stores, the other shows.

import type { Answers } from "./answers";
import type { Conversations } from "./conversations";

const kChannel = "quern.conversations";

export function followOtherTabs(conversations: Conversations, answers: Answers): void {
  if (!conversations.storage.lasting || typeof BroadcastChannel === "undefined") return;
  const channel = new BroadcastChannel(kChannel);
  conversations.onStored = (id) => channel.postMessage(id);
  channel.addEventListener("message", ({ data }: MessageEvent<unknown>) => {
    if (typeof data !== "string") return;
    // An answer that is coming here would lose its place; its end brings both tabs together.
    void conversations.reload(data, answers.running.value.has(data));
  });
}
