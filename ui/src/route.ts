// The conversation on screen is named by the address ("#/c/ID"), so that a reload and the browser's
// back button find it again.

import { effect } from "@preact/signals";
import type { Page } from "./page";

export async function followAddress(page: Page): Promise<void> {
  const { conversations } = page;
  const show = async (): Promise<void> => {
    const id = /^#\/c\/([0-9a-f]+)$/.exec(location.hash)?.[1];
    if (id === undefined) conversations.startNew();
    else if (!(await conversations.open(id))) {
      history.replaceState(null, "", "#/");
      conversations.startNew();
    }
  };
  await show();
  window.addEventListener("hashchange", () => void show());

  let first = true;
  effect(() => {
    const current = conversations.current.value;
    document.title = current ? `${current.title} · Quern` : "Quern";
    const wanted = current ? `#/c/${current.id}` : "#/";
    if (first || location.hash === wanted) {
      first = false;
      return;
    }
    history.pushState(null, "", wanted);
  });
}
