// The rules for names that CloudTrail and S3 have, as the server checks them: each function gives what is wrong, or "".

const separators = /[._-]/;

/** 3 to 128 letters, digits, periods, underscores and hyphens; the last three neither at an end nor side by side; no IP address. */
export function trailNameFault(name: string): string {
  if (name.length < 3) return 'A name has at least 3 characters.';
  if (name.length > 128) return 'A name has at most 128 characters.';
  if (!/^[A-Za-z0-9._-]+$/.test(name)) return 'Use letters, digits, periods, underscores and hyphens only.';
  if (separators.test(name[0]!)) return 'Begin with a letter or digit.';
  if (separators.test(name[name.length - 1]!)) return 'End with a letter or digit.';
  if (looksLikeIPv4(name)) return 'A name cannot have the form of an IP address.';
  if (/[._-]{2}/.test(name)) return 'Periods, underscores and hyphens cannot stand side by side.';
  return '';
}

/** 3 to 63 lower-case letters and digits, with hyphens and single periods between them; no IP address. */
export function bucketNameFault(name: string): string {
  if (name.length < 3 || name.length > 63) return 'A bucket name has 3 to 63 characters.';
  if (!/^[a-z0-9](?:[a-z0-9.-]*[a-z0-9])$/.test(name) || name.includes('..')) return 'Use lower-case letters and digits, with hyphens and single periods between them.';
  if (looksLikeIPv4(name)) return 'A name cannot have the form of an IP address.';
  return '';
}

/** At most 200 characters, none of them a control character. */
export function prefixFault(prefix: string): string {
  if ([...prefix].length > 200) return 'A prefix has at most 200 characters.';
  if (/[\u0000-\u001f\u007f]/.test(prefix)) return 'A prefix cannot have control characters.';
  if (prefix.startsWith('/') || prefix.endsWith('/')) return 'Leave out the slashes at its ends: they are added.';
  return '';
}

/** The name of a new topic, or the ARN of one that is there. FIFO topics cannot be used. */
export function topicFault(nameOrARN: string): string {
  let name = nameOrARN;
  if (name.startsWith('arn:')) {
    const [, , service, region, account, ...rest] = name.split(':');
    if (service !== 'sns' || !region || !/^\d{12}$/.test(account ?? '')) return 'This is not the ARN of a topic.';
    name = rest.join(':');
  }
  if (name.endsWith('.fifo')) return 'CloudTrail does not publish to FIFO topics.';
  if (!/^[A-Za-z0-9_-]{1,256}$/.test(name)) return 'Use 1 to 256 letters, digits, underscores and hyphens.';
  return '';
}

/** An alias without what all aliases begin with. Those that begin with aws/ are the services' own. */
export function aliasFault(name: string): string {
  if (!/^[A-Za-z0-9/_-]{1,250}$/.test(name)) return 'Use 1 to 250 letters, digits, slashes, underscores and hyphens.';
  if (name.startsWith('aws/')) return 'Names that begin with aws/ are reserved.';
  return '';
}

/** The name that a trail's bucket gets unless another is chosen, the one of `cairn trail create`. */
export function defaultBucket(account: string, trail: string): string {
  const clean = trail.toLowerCase().replace(/[^a-z0-9]/g, '-');
  return `cairn-${account}-${clean}`.slice(0, 63).replace(/-+$/, '');
}

function looksLikeIPv4(name: string): boolean {
  const parts = name.split('.');
  return parts.length === 4 && parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255);
}
