import { Dropzone } from './dropzone.jsx';
import { PhotoCard } from './photo-card.jsx';
import { actOnPhoto, listPhotos } from './records.js';

const POLL_MS = 1_500;

/** The salon's photos, asked again while one of them is being prepared; undefined until the first answer. */
function usePhotos(salonId) {
  const [photos, setPhotos] = React.useState();
  const [turn, setTurn] = React.useState(0);
  const reload = React.useCallback(() => setTurn((last) => last + 1), []);
  React.useEffect(() => {
    const shown = new AbortController();
    listPhotos(salonId, shown.signal).then(setPhotos, () => {});
    return () => shown.abort();
  }, [salonId, turn]);
  const isAwaiting = photos?.some(({ state }) => state === 'uploaded') === true;
  React.useEffect(() => {
    if (!isAwaiting) return undefined;
    const timer = setInterval(reload, POLL_MS);
    return () => clearInterval(timer);
  }, [isAwaiting, reload]);
  return { photos, setPhotos, reload };
}

/** Photos with one of them a place further: at once, before the service has answered. */
function reorder(photos, from, by) {
  const order = [...photos];
  const [moved] = order.splice(from, 1);
  order.splice(from + by, 0, moved);
  return order;
}

/** On a salon's page: its photos, to put in order, describe and delete, and a place to drop more. */
export function SalonPhotos({ record }) {
  const salonId = record.id;
  const { photos, setPhotos, reload } = usePhotos(salonId);
  const [problem, setProblem] = React.useState('');
  const refuse = (message) => {
    setProblem(message);
    reload();
  };

  async function move(index, by) {
    setProblem('');
    setPhotos(reorder(photos, index, by));
    await actOnPhoto(photos[index].id, 'edit', { position: index + by + 1 }).catch((error) =>
      refuse(`order: ${error.message}`),
    );
  }

  const remove = (id) => actOnPhoto(id, 'delete').then(reload, (error) => refuse(error.message));

  return (
    <section className="atlas-salon-photos">
      <h3 className="atlas-label">Photos</h3>
      <p role="alert" className="atlas-bad">
        {problem}
      </p>
      <ul className="atlas-photos">
        {photos?.map((photo, index) => (
          <PhotoCard
            key={photo.id}
            photo={photo}
            isFirst={index === 0}
            isLast={index === photos.length - 1}
            onMove={(by) => move(index, by)}
            onDelete={() => remove(photo.id)}
            onError={refuse}
            reload={reload}
          />
        ))}
      </ul>
      <Dropzone salonId={salonId} onStored={reload} />
    </section>
  );
}
