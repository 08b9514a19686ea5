import type { JSX } from "preact";
import { usePage } from "../page";
import type { Theme } from "../store/preferences";
import { AutoIcon, MoonIcon, SunIcon } from "./icons";
import { IconButton } from "./parts";

const kThemes: readonly [Theme, string, () => JSX.Element][] = [
  ["auto", "As the system", AutoIcon],
  ["light", "Light", SunIcon],
  ["dark", "Dark", MoonIcon],
];

export function ThemeSwitch(): JSX.Element {
  const { theme } = usePage().preferences;
  return (
    <div class="theme-switch" role="group" aria-label="Colours">
      {kThemes.map(([name, label, icon]) => (
        <IconButton
          key={name}
          icon={icon}
          label={label}
          pressed={theme.value === name}
          onClick={() => (theme.value = name)}
        />
      ))}
    </div>
  );
}
