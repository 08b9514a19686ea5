import type { JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { usePage } from "../page";
import { ConversationList } from "./conversation_list";
import { GearIcon, KeyboardIcon, PlusIcon, SearchIcon, SidebarIcon } from "./icons";
import { commandKey, isNarrow, startNewChat, toggleSidebar } from "./keys";
import { IconButton, Logo } from "./parts";
import { ThemeSwitch } from "./theme_switch";

export function Sidebar(): JSX.Element {
  const page = usePage();
  const nav = useRef<HTMLElement>(null);
  const drawer = page.drawer.value;
  useEffect(() => {
    if (drawer) nav.current?.querySelector<HTMLElement>("button")?.focus();
  }, [drawer]);
  return (
    <nav class="sidebar" ref={nav} data-open={drawer} aria-label="Conversations">
      <div class="sidebar-head">
        <span class="brand">
          <Logo size="small" /> Quern
        </span>
        <IconButton
          icon={SidebarIcon}
          label="Hide conversations"
          onClick={() => toggleSidebar(page)}
        />
      </div>
      <div class="sidebar-actions">
        <button type="button" class="row-button" onClick={() => startNewChat(page)}>
          <PlusIcon /> New chat
        </button>
        <button type="button" class="row-button" onClick={() => openDialog("search")}>
          <SearchIcon /> Search <kbd class="wide-only">{commandKey()} K</kbd>
        </button>
      </div>
      <ConversationList />
      <div class="sidebar-foot">
        <ThemeSwitch />
        <span class="spacer" />
        <IconButton
          class="wide-only"
          icon={KeyboardIcon}
          label="Keyboard shortcuts"
          onClick={() => openDialog("keyboard")}
        />
        <IconButton icon={GearIcon} label="Settings" onClick={() => openDialog("settings")} />
      </div>
    </nav>
  );

  function openDialog(name: "search" | "keyboard" | "settings"): void {
    page.dialog.value = name;
    if (isNarrow()) page.drawer.value = false;
  }
}
