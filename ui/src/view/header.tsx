import type { JSX } from "preact";
import { usePage } from "../page";
import { MenuIcon, PlusIcon, SidebarIcon, TuneIcon } from "./icons";
import { startNewChat, toggleSidebar } from "./keys";
import { ModelPicker } from "./model_picker";
import { IconButton } from "./parts";

export function Header(): JSX.Element {
  const page = usePage();
  const { connection } = page;
  const gone = connection.state.value === "gone" || connection.state.value === "failing";
  return (
    <header class="header">
      <div class="header-row">
        <div class="header-start">
          <IconButton
            class="show-sidebar narrow-only"
            icon={MenuIcon}
            label="Show conversations"
            onClick={() => toggleSidebar(page)}
          />
          <IconButton
            class="show-sidebar wide-only"
            icon={SidebarIcon}
            label="Show conversations"
            onClick={() => toggleSidebar(page)}
          />
          <ModelPicker />
        </div>
        <div class="header-end">
          <IconButton
            icon={TuneIcon}
            label="Settings of this chat"
            onClick={() => (page.dialog.value = "chat")}
          />
          <IconButton
            class="new-in-header"
            icon={PlusIcon}
            label="New chat"
            onClick={() => startNewChat(page)}
          />
        </div>
      </div>
      {gone && (
        <div class="banner" role="status">
          <span>
            {connection.state.value === "gone"
              ? "Quern does not answer. The page keeps trying."
              : "The server has a problem. The page keeps trying."}
          </span>
          <button type="button" class="text-button" onClick={() => void connection.refresh()}>
            Try now
          </button>
        </div>
      )}
    </header>
  );
}
