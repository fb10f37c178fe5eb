import type { Example } from './example.ts';

// Numbers that the regulators of each country keep free for films and books.
/** Salons in cities elsewhere, with the accents that belong there. */
export const elsewhere: readonly Example[] = [
  {
    name: 'The Copper Comb',
    city: 'London',
    address: '14 Lamb Row, Shoreditch, E2',
    phone: '+44 20 7946 0118',
    description: 'Precision cuts and lived-in colour. Two chairs, no rush, very good coffee.',
  },
  {
    name: 'Hallam & Daughters',
    city: 'Manchester',
    address: '3 Weaver Yard, Northern Quarter, M4',
    phone: '+44 161 496 0119',
    description: 'A family salon since 1987: sets and perms in the morning, vivids in the afternoon.',
  },
  {
    name: 'Thistle Barbers',
    city: 'Edinburgh',
    address: '27 Canonmill Steps, EH3',
    phone: '+44 131 496 0120',
    description: 'Hot towel shaves, beard trims and honest fades. Walk in any day but Monday.',
  },
  {
    name: 'Salon Lumière',
    city: 'Paris',
    address: '8, passage des Tilleuls, 75011',
    phone: '+33 1 99 00 01 21',
    description: 'Coupe, balayage et soins végétaux près de Bastille. Sur rendez-vous, jusqu’à 20 h.',
  },
  {
    name: 'L’Atelier Brossé',
    city: 'Lyon',
    address: '19, montée des Écoliers, 69005',
    phone: '+33 4 65 71 01 22',
    description: 'Chignons, tresses et coiffures de mariée ; essai compris.',
  },
  {
    name: 'Haarwerk Süd',
    city: 'Berlin',
    address: 'Lärchenhof 5, 12047 Neukölln',
    phone: '+49 30 23125 123',
    description: 'Schnitt und Farbe für lockiges Haar, Preise nach Länge statt nach Geschlecht.',
  },
  {
    name: 'Schönfeld Friseure',
    city: 'München',
    address: 'Kirschgasse 11, 80469',
    phone: '+49 89 99998 124',
    description: 'Klassische Schnitte, Hochsteckfrisuren und Pflege. Montags geschlossen.',
  },
  {
    name: 'Die Lockenstube',
    city: 'Köln',
    address: 'Am alten Färberhof 2, 50674',
    phone: '+49 221 4710 125',
    description: 'Nur Locken: trocken geschnitten, ohne Silikone gewaschen.',
  },
  {
    name: 'Blue Door Hair',
    city: 'New York',
    address: '212 Alder Street, Brooklyn, NY',
    phone: '+1 212 555 0126',
    description: 'Curly cuts, silk presses and colour corrections. Ring twice.',
  },
  {
    name: 'Salon Érable',
    city: 'Montréal',
    address: '4127, avenue des Moineaux',
    phone: '+1 514 555 0127',
    description: 'Coupes et couleurs dans une ancienne librairie du Plateau. English spoken.',
  },
  {
    name: 'Harbour Lane Nails',
    city: 'Sydney',
    address: '5 Harbour Lane, Balmain NSW',
    phone: '+61 2 5550 0128',
    description: 'Gel, shellac and hand-painted designs. Wheelchair access from the lane.',
  },
  {
    name: 'Fog & Fern',
    city: 'San Francisco',
    address: '88 Clementine Alley, CA',
    phone: '+1 415 555 0129',
    description: 'Opening in spring: low-waste cuts and plant-based colour.',
    published: false,
  },
];
