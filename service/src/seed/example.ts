/** A salon that does not exist. Its slug is made from its name, so that a second run finds it. */
export interface Example {
  name: string;
  city: string;
  address: string;
  phone: string;
  description: string;
  /** Without it: published. */
  published?: false;
}
