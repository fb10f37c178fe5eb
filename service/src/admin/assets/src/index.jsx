// Components of ours for the panel. AdminJS's pages load the bundle of these files after its own bundles, which
// leave React, AdminJS and the design system behind as globals; nothing is imported from packages here.
import base from './base.css';
import dashboard from './dashboard.css';
import { Dashboard } from './dashboard.jsx';
import jobs from './jobs.css';
import { Jobs } from './jobs.jsx';
import { Bytes, PhotoPicture, PhotoThumbnail } from './photo.jsx';
import photos from './photos.css';
import salonPhotos from './salon-photos.css';
import { SalonPhotos } from './salon-photos.jsx';

// The page gives every style element made by a script its nonce.
const style = document.createElement('style');
style.textContent = [base, dashboard, jobs, photos, salonPhotos].join('\n');
document.head.append(style);

Object.assign(AdminJS.UserComponents, { Dashboard, Jobs, Bytes, PhotoPicture, PhotoThumbnail, SalonPhotos });
