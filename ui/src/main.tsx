import { effect } from "@preact/signals";
import { render } from "preact";
import { PageContext, createPage } from "./page";
import { followAddress } from "./route";
import { followOtherTabs } from "./store/other_tabs";
import { openStorage } from "./store/storage";
import { App } from "./view/app";

async function start(): Promise<void> {
  const page = createPage(await openStorage());
  effect(() => {
    const theme = page.preferences.theme.value;
    if (theme === "auto") delete document.documentElement.dataset["theme"];
    else document.documentElement.dataset["theme"] = theme;
  });
  await page.conversations.load();
  await followAddress(page);
  followOtherTabs(page.conversations, page.answers);
  const root = document.getElementById("app");
  if (!root) throw new Error("index.html has no #app");
  render(
    <PageContext.Provider value={page}>
      <App />
    </PageContext.Provider>,
    root,
  );
}

void start();
