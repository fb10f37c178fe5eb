import { isIPv6 } from 'node:net';

/**
 * What is counted as one visitor. One home or host owns a /64, so counting single IPv6 addresses would count
 * nothing; an IPv4 address is itself, also when it is written as IPv6.
 */
export function addressGroup(ip: string): string {
  if (!isIPv6(ip) || ip.startsWith('::ffff:')) return ip.replace('::ffff:', '');
  const [head = '', tail] = ip.split('::');
  const left = head.split(':').filter(Boolean);
  const right = tail?.split(':').filter(Boolean) ?? [];
  const zeros = tail === undefined ? [] : Array(Math.max(0, 8 - left.length - right.length)).fill('0');
  return [...left, ...zeros, ...right].slice(0, 4).join(':');
}
