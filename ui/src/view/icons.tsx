// One stroke width, one size, the colour of the text around. All are decoration: the button that
// holds an icon carries the name.

import type { ComponentChildren } from "preact";

function icon(children: ComponentChildren) {
  return () => (
    <svg class="icon" viewBox="0 0 20 20" aria-hidden="true" focusable="false">
      {children}
    </svg>
  );
}

export const MenuIcon = icon(<path d="M3 6h14M3 10h14M3 14h9" />);
export const SidebarIcon = icon(<path d="M3.5 4.5h13v11h-13zM8 4.5v11" />);
export const PlusIcon = icon(<path d="M10 4v12M4 10h12" />);
export const SearchIcon = icon(<path d="M9 14.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM13 13l4 4" />);
export const SendIcon = icon(<path d="M10 16V4.5M5 9.5l5-5 5 5" />);
export const StopIcon = icon(<rect x="6" y="6" width="8" height="8" rx="1.5" class="filled" />);
export const CopyIcon = icon(<path d="M7 7V3.5h9.5V13H13M3.5 7H13v9.5H3.5z" />);
export const CheckIcon = icon(<path d="M4 10.5l4 4 8-9" />);
export const AgainIcon = icon(<path d="M16 8.5A6.5 6.5 0 1 0 16.4 12M16.5 4v4.5H12" />);
export const GoOnIcon = icon(<path d="M5 4.5l7 5.5-7 5.5zM15.5 4.5v11" />);
export const EditIcon = icon(<path d="M12.5 4.5l3 3L7 16l-3.5.5L4 13zM11 6l3 3" />);
export const TrashIcon = icon(<path d="M4 6h12M8 6V4h4v2M5.5 6l.7 10.5h7.6L14.5 6M8.5 9v4.5M11.5 9v4.5" />);
export const LeftIcon = icon(<path d="M12 5l-5 5 5 5" />);
export const RightIcon = icon(<path d="M8 5l5 5-5 5" />);
export const DownIcon = icon(<path d="M10 4v11.5M5 10.5l5 5 5-5" />);
export const ChevronIcon = icon(<path d="M6 8l4 4 4-4" />);
export const CloseIcon = icon(<path d="M5 5l10 10M15 5L5 15" />);
export const TuneIcon = icon(<path d="M3 6h8M15 6h2M3 14h2M9 14h8M13 8.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4zM7 16.2a2.2 2.2 0 1 0 0-4.4 2.2 2.2 0 0 0 0 4.4z" />);
export const GearIcon = icon(
  <>
    <circle cx="10" cy="10" r="2.4" />
    <path d="M8.6 2.8h2.8l.4 2 1.5.9 2-.7 1.4 2.4-1.5 1.4v2.4l1.5 1.4-1.4 2.4-2-.7-1.5.9-.4 2H8.6l-.4-2-1.5-.9-2 .7-1.4-2.4 1.5-1.4V8.8L3.3 7.4 4.7 5l2 .7 1.5-.9z" />
  </>,
);
export const KeyboardIcon = icon(<path d="M2.5 5.5h15v9h-15zM5.5 8.5h.01M8.5 8.5h.01M11.5 8.5h.01M14.5 8.5h.01M6.5 11.7h7" />);
export const AutoIcon = icon(
  <>
    <circle cx="10" cy="10" r="6.5" />
    <path class="filled" d="M10 3.5a6.5 6.5 0 0 1 0 13z" />
  </>,
);
export const SunIcon = icon(
  <path d="M10 13.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM10 2v1.5M10 16.5V18M2 10h1.5M16.5 10H18M4.3 4.3l1.1 1.1M14.6 14.6l1.1 1.1M4.3 15.7l1.1-1.1M14.6 5.4l1.1-1.1" />,
);
export const MoonIcon = icon(<path d="M16.5 11.8A7 7 0 1 1 8.2 3.5a5.5 5.5 0 0 0 8.3 8.3z" />);
