import type { JSX } from "preact";
import { useEffect } from "preact/hooks";
import { usePage } from "../page";
import { Composer } from "./composer";
import { Dialogs } from "./dialogs";
import { EmptyState } from "./empty_state";
import { Header } from "./header";
import { listenToKeys } from "./keys";
import { NoticeList } from "./notice_list";
import { Sidebar } from "./sidebar";
import { Thread } from "./thread";

export function App(): JSX.Element {
  const page = usePage();
  const { conversations, connection, dialog, drawer, preferences } = page;
  useEffect(() => listenToKeys(page), [page]);

  const locked = connection.state.value === "locked";
  useEffect(() => {
    if (locked) dialog.value = "key";
  }, [locked, dialog]);

  const empty = conversations.path.value.length === 0;
  const layout = preferences.sidebar.value ? "app" : "app no-sidebar";
  return (
    <div class={layout}>
      <a class="skip" href="#question">
        Go to the message field
      </a>
      <Sidebar />
      <div class="scrim" data-open={drawer.value} onClick={() => (drawer.value = false)} />
      <main class={empty ? "main empty" : "main"} inert={drawer.value}>
        <Header />
        {empty ? <EmptyState /> : <Thread />}
        <Composer />
      </main>
      <Dialogs />
      <NoticeList />
    </div>
  );
}
