import { visible } from '@/components/visible';

// Command lines to be copied into a POSIX shell.

/** A word as the shell reads it back. What is not harmless is put in quotes; characters that cannot be seen are written by their number. */
export function quote(word: string): string {
  if (/^[A-Za-z0-9_@%+=:,./-]+$/.test(word)) return word;
  const escaped = visible(word.replace(/[\\']/g, '\\$&')).replace(/\n/g, '\\n').replace(/\t/g, '\\t');
  if (/[\n\t]/.test(word) || visible(word) !== word) return `$'${escaped}'`;
  return `'${word.replace(/'/g, `'\\''`)}'`;
}

/** A command of the aws command line: options without a value are left out, true gives the bare option, and false its opposite. */
export function aws(service: string, command: string, region: string, options: Record<string, string | boolean | undefined>): string {
  const words = ['aws', service, command, '--region', region];
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue;
    if (typeof value === 'boolean') words.push(value ? `--${name}` : `--no-${name}`);
    else words.push(`--${name}`, value);
  }
  return words.map(quote).join(' ');
}
