import { applyDensity, applyMode, Density, Mode } from '@cloudscape-design/global-styles';
import { useEffect } from 'react';
import { readSaved, useSavedState } from '@/components/savedState';

export type ThemeChoice = 'light' | 'dark' | 'system';
export type DensityChoice = 'comfortable' | 'compact';

const systemDark = matchMedia('(prefers-color-scheme: dark)');

/** The theme and the density, as chosen by the user. */
export function useLook() {
  const [theme, setTheme] = useSavedState<ThemeChoice>('look.theme', 'system');
  const [density, setDensity] = useSavedState<DensityChoice>('look.density', 'comfortable');
  return { theme, setTheme, density, setDensity };
}

/** Keeps the page in the chosen look, also when the system changes from day to night. */
export function useApplyLook(): void {
  const { theme, density } = useLook();
  useEffect(() => {
    const apply = () => applyLook(theme, density);
    apply();
    systemDark.addEventListener('change', apply);
    return () => systemDark.removeEventListener('change', apply);
  }, [theme, density]);
}

/** Puts the page in the saved look before anything is drawn. */
export function applySavedLook(): void {
  applyLook(readSaved<ThemeChoice>('look.theme', 'system'), readSaved<DensityChoice>('look.density', 'comfortable'));
}

function applyLook(theme: ThemeChoice, density: DensityChoice): void {
  const dark = theme === 'dark' || (theme === 'system' && systemDark.matches);
  applyMode(dark ? Mode.Dark : Mode.Light);
  applyDensity(density === 'compact' ? Density.Compact : Density.Comfortable);
  document.documentElement.style.colorScheme = dark ? 'dark' : 'light';
}
