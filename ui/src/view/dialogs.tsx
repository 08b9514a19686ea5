import type { JSX } from "preact";
import { usePage } from "../page";
import { ChatDialog } from "./dialogs/chat_dialog";
import { KeyDialog } from "./dialogs/key_dialog";
import { KeyboardDialog } from "./dialogs/keyboard_dialog";
import { SearchDialog } from "./dialogs/search_dialog";
import { SettingsDialog } from "./dialogs/settings_dialog";

export function Dialogs(): JSX.Element | null {
  const { dialog } = usePage();
  const close = (): void => {
    dialog.value = null;
  };
  switch (dialog.value) {
    case "search":
      return <SearchDialog onClose={close} />;
    case "chat":
      return <ChatDialog onClose={close} />;
    case "settings":
      return <SettingsDialog onClose={close} />;
    case "key":
      return <KeyDialog onClose={close} />;
    case "keyboard":
      return <KeyboardDialog onClose={close} />;
    case null:
      return null;
  }
}
