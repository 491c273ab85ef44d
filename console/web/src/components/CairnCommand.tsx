import { Command } from './Command';
import { useCairn } from './useCairn';

/** A command line of the cairn program, for those whom it serves: nothing for anybody but operators. */
export function CairnCommand({ text }: { text: string }) {
  const cairn = useCairn();
  return cairn ? <Command text={cairn(text)} /> : null;
}
