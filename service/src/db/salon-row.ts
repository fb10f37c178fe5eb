import type { Salon } from '../schemas/salon.ts';

/** A row of the table as the driver gives it. */
export interface SalonRow extends Omit<Salon, 'id' | 'createdAt' | 'updatedAt'> {
  id: string;
  created_at: Date;
  updated_at: Date;
}

// Not `*`: what a salon is found by is several times its size, and nobody reads it.
export const COLUMNS: (keyof SalonRow)[] = [
  'id',
  'slug',
  'name',
  'city',
  'description',
  'address',
  'phone',
  'published',
  'created_at',
  'updated_at',
];

/** The row under the service's names. */
export function toSalon(row: SalonRow): Salon {
  const { id, created_at, updated_at, slug, name, city, description, address, phone, published } = row;
  const times = { createdAt: created_at.toISOString(), updatedAt: updated_at.toISOString() };
  return { id: Number(id), slug, name, city, description, address, phone, published, ...times };
}
