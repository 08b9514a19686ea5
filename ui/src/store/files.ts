// Conversations out to a file and in again.

import { exportBundles, importBundles, kMaxImportBytes } from "../model/transfer";
import type { ConversationId } from "../model/types";
import type { Conversations } from "./conversations";
import type { Notices } from "./notices";

export async function exportToFile(
  conversations: Conversations,
  notices: Notices,
  ids: readonly ConversationId[],
): Promise<void> {
  try {
    const now = Date.now();
    const text = exportBundles(await conversations.bundles(ids), now);
    const day = new Date(now).toISOString().slice(0, 10);
    download(`quern-conversations-${day}.json`, text);
  } catch {
    notices.problem("The conversations could not be read from the browser's storage.");
  }
}

export async function importFromFile(
  conversations: Conversations,
  notices: Notices,
  file: File,
): Promise<void> {
  if (file.size > kMaxImportBytes) {
    notices.problem(`“${file.name}” is too large to be imported.`);
    return;
  }
  const result = importBundles(await file.text().catch(() => ""));
  if (!result.ok) {
    notices.problem(`“${file.name}” was not imported. ${result.problem}`);
    return;
  }
  await conversations.insert(result.bundles);
  const count = result.bundles.length;
  notices.tell(count === 1 ? "1 conversation was imported." : `${count} conversations were imported.`);
}

function download(name: string, text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
