// Marks of direction, zero-width characters and controls let a text look like another. In what must be read exactly they are shown
// by their number.
const deceptive = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;

/** A text whose hidden characters are shown as in JSON: \u202e. */
export function visible(text: string): string {
  return text.replace(deceptive, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
