import type { Theme } from '@cloudscape-design/components/theming';

// The colours of the console: lichen on slate. scripts/themecss.mjs makes a style sheet of this file when the console is built.

const accent = { light: '#0b6b66', dark: '#5fd0c4' };
const accentStrong = { light: '#07504c', dark: '#8be3d9' };
const accentSoft = { light: '#e8f5f3', dark: '#0c2b2a' };
const onAccent = { light: '#ffffff', dark: '#071a1a' };

export const theme: Theme = {
  tokens: {
    colorBackgroundButtonPrimaryDefault: accent,
    colorBackgroundButtonPrimaryHover: accentStrong,
    colorBackgroundButtonPrimaryActive: accentStrong,
    colorTextButtonPrimaryDefault: onAccent,
    colorTextButtonPrimaryHover: onAccent,
    colorTextButtonPrimaryActive: onAccent,
    colorBorderButtonNormalDefault: accent,
    colorBorderButtonNormalHover: accentStrong,
    colorBorderButtonNormalActive: accentStrong,
    colorTextButtonNormalDefault: accent,
    colorTextButtonNormalHover: accentStrong,
    colorTextButtonNormalActive: accentStrong,
    colorBackgroundButtonNormalHover: accentSoft,
    colorBackgroundButtonNormalActive: accentSoft,
    colorTextButtonLinkDefault: accent,
    colorTextButtonLinkHover: accentStrong,
    colorTextButtonLinkActive: accentStrong,
    colorBackgroundButtonLinkHover: accentSoft,
    colorBackgroundButtonLinkActive: accentSoft,
    colorTextLinkDefault: accent,
    colorTextLinkHover: accentStrong,
    colorTextAccent: accent,
    colorTextInteractiveHover: accentStrong,
    colorTextInteractiveActive: accentStrong,
    colorBackgroundControlChecked: accent,
    colorTextDropdownItemFilterMatch: accent,
    colorBackgroundDropdownItemFilterMatch: accentSoft,
    colorBackgroundItemSelected: accentSoft,
    colorBorderItemSelected: accent,
    colorBorderItemFocused: accent,
    colorBorderInputFocused: accent,
    colorBackgroundSegmentActive: accent,
    colorTextSegmentActive: onAccent,
    colorTextSegmentHover: accent,
    colorBackgroundToggleCheckedDisabled: accentSoft,
    colorBackgroundToggleButtonNormalPressed: accentSoft,
    colorBorderToggleButtonNormalPressed: accent,
    colorTextToggleButtonNormalPressed: accent,
    colorTextToggleButtonIconPressed: accent,
    colorTextLayoutToggleHover: accent,
    colorTextLayoutToggleActive: onAccent,
    colorBackgroundLayoutToggleSelectedDefault: accent,
    colorBackgroundLayoutToggleSelectedHover: accentStrong,
    colorBackgroundLayoutToggleSelectedActive: accent,
    colorBackgroundProgressBarValueDefault: accent,
  },
  // The bar on top is dark in both.
  contexts: {
    'top-navigation': {
      tokens: {
        colorTextInteractiveHover: accentStrong.dark,
        colorTextInteractiveActive: accentStrong.dark,
        colorTextAccent: accent.dark,
        colorBorderItemFocused: accent.dark,
        colorBackgroundControlChecked: accent.dark,
      },
    },
  },
};

/**
 * What the console's own style sheets use: their names for Cloudscape's tokens, whose variables have names that change from version to
 * version.
 */
export const variables = {
  '--font': 'fontFamilyBase',
  '--background': 'colorBackgroundLayoutMain',
  '--background-quiet': 'colorBackgroundCellShaded',
  '--background-selected': 'colorBackgroundItemSelected',
  '--background-error': 'colorBackgroundStatusError',
  '--background-warning': 'colorBackgroundStatusWarning',
  '--background-success': 'colorBackgroundStatusSuccess',
  '--text': 'colorTextBodyDefault',
  '--text-quiet': 'colorTextBodySecondary',
  '--border': 'colorBorderDividerDefault',
  '--accent': 'colorTextAccent',
  '--error': 'colorTextStatusError',
  '--warning': 'colorTextStatusWarning',
  '--success': 'colorTextStatusSuccess',
  '--info': 'colorTextStatusInfo',
};
