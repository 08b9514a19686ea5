import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { usePage } from "../page";
import { copyText } from "../text/copy";
import { CheckIcon, CopyIcon } from "./icons";
import { IconButton } from "./parts";

export function CopyButton({ text, label }: { text: string; label: string }): JSX.Element {
  const { notices } = usePage();
  const [done, setDone] = useState(false);
  const copy = async (): Promise<void> => {
    if (!(await copyText(text))) {
      notices.problem("The browser did not allow the page to copy.");
      return;
    }
    notices.say("Copied.");
    setDone(true);
    setTimeout(() => setDone(false), 1600);
  };
  return <IconButton icon={done ? CheckIcon : CopyIcon} label={label} onClick={() => void copy()} />;
}
