// The small parts that every view is made of.

import type { ComponentChildren, ComponentType, JSX, RefObject } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";
import logo from "../assets/quern.svg";
import { CloseIcon } from "./icons";

interface IconButtonProps {
  icon: ComponentType;
  /** Said by screen readers and shown as a tip. */
  label: string;
  onClick: () => void;
  class?: string;
  disabled?: boolean;
  pressed?: boolean;
}

export function IconButton(props: IconButtonProps): JSX.Element {
  const { icon: Icon, label, onClick, pressed } = props;
  return (
    <button
      type="button"
      class={`icon-button ${props.class ?? ""}`}
      aria-label={label}
      title={label}
      disabled={props.disabled ?? false}
      {...(pressed === undefined ? {} : { "aria-pressed": pressed })}
      onClick={onClick}
    >
      <Icon />
    </button>
  );
}

export function Logo({ size }: { size: "small" | "large" }): JSX.Element {
  return <img class={`logo ${size}`} src={logo} alt="" width={32} height={32} />;
}

interface DialogProps {
  title: string;
  onClose: () => void;
  class?: string;
  children: ComponentChildren;
}

/** Opens a dialog over the page. The browser keeps the focus inside; afterwards it goes back. */
export function useModal(dialog: RefObject<HTMLDialogElement | null>): void {
  useEffect(() => {
    const opener = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (opener instanceof HTMLElement) opener.focus();
    };
  }, [dialog]);
}

export function Dialog({ title, onClose, children, class: extra }: DialogProps): JSX.Element {
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useModal(dialog);
  const closeOnBackdrop = (event: MouseEvent): void => {
    if (event.target === dialog.current) onClose();
  };
  const cancel = (event: Event): void => {
    event.preventDefault();
    onClose();
  };
  return (
    <dialog
      ref={dialog}
      class={`dialog ${extra ?? ""}`}
      aria-labelledby={titleId}
      onMouseDown={closeOnBackdrop}
      onCancel={cancel}
    >
      <div class="dialog-frame">
        <header class="dialog-head">
          <h2 id={titleId}>{title}</h2>
          <IconButton icon={CloseIcon} label="Close" onClick={onClose} />
        </header>
        {children}
      </div>
    </dialog>
  );
}

interface FieldProps {
  label: string;
  hint?: string;
  problem?: string | undefined;
  children: (ids: { id: string; "aria-describedby": string }) => ComponentChildren;
}

export function Field({ label, hint, problem, children }: FieldProps): JSX.Element {
  const id = useId();
  const about = `${id}-about`;
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {children({ id, "aria-describedby": about })}
      <p id={about} class={problem ? "hint problem" : "hint"}>
        {problem ?? hint}
      </p>
    </div>
  );
}
