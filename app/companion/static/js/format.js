// Amounts and dates as Indonesians write them.

import { language } from './words.js';

const ZONE = 'Asia/Jakarta';
const locale = () => (language() === 'id' ? 'id-ID' : 'en-GB');
const dayOf = (value) => new Date(/^\d{4}-\d\d-\d\d$/.test(value) ? `${value}T12:00:00+07:00` : value);
const written = (value, options) => new Intl.DateTimeFormat(locale(), { timeZone: ZONE, ...options }).format(value);

export const rupiah = (amount) => `${amount < 0 ? '−' : ''}Rp${new Intl.NumberFormat('id-ID').format(Math.abs(amount))}`;
export const signed = (amount) => (amount > 0 ? `+${rupiah(amount)}` : rupiah(amount));
export const day = (value) => written(dayOf(value), { day: 'numeric', month: 'long', year: 'numeric' });
export const month = (value) => written(new Date(`${value}-15T12:00:00+07:00`), { month: 'long', year: 'numeric' });
export const year = (value) => value.slice(0, 4);
export const clock = (value) => `${written(new Date(value), { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).replace(':', '.')} WIB`;
export const moment = (value) => `${day(value)}, ${clock(value)}`;
export const dayKey = (value) => written(new Date(value), { day: 'numeric', month: 'long', year: 'numeric' });
export const card = (kpj) => `${kpj.slice(0, 3)}\u00a0${kpj.slice(3, 7)}\u00a0${kpj.slice(7)}`;

// 11:59:58, or 2 days: what is left until `end` (milliseconds).
export function left(end, now = Date.now()) {
  const seconds = Math.max(0, Math.ceil((end - now) / 1000));
  if (seconds >= 172800) return new Intl.NumberFormat(locale(), { style: 'unit', unit: 'day', unitDisplay: 'long' }).format(Math.floor(seconds / 86400));
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return (parts[0] ? parts : parts.slice(1)).map((part) => String(part).padStart(2, '0')).join(':');
}
