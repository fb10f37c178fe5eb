import { formatBytes, formatNumber } from './format.js';
import { actOnPhoto } from './records.js';

/** The picture of a photo, or what stands in its place while there is none. */
export function Picture({ photo, large = false }) {
  const source = large ? photo.picture : photo.thumbnail;
  const size = large ? 'atlas-picture-large' : 'atlas-picture';
  if (source) return <img className={size} src={source} alt={photo.alt ?? ''} loading="lazy" />;
  return photo.state === 'failed' ? (
    <div className={`${size} atlas-picture-failed`}>
      <span>failed</span>
    </div>
  ) : (
    <div className={`${size} atlas-picture-awaited`}>
      <span>being prepared</span>
    </div>
  );
}

/** In the list of photos, and above the form that describes one. */
export function PhotoThumbnail({ record }) {
  return (
    <div className="atlas-thumbnail">
      <Picture photo={record.params} />
    </div>
  );
}

/** Has a failed photo prepared once more. `onDone` is told what came of it, `onError` what refused. */
export function TryAgain({ photo, onDone, onError }) {
  const [busy, setBusy] = React.useState(false);
  const start = async () => {
    setBusy(true);
    await actOnPhoto(photo.id, 'tryAgain').then(onDone, (error) => onError(error.message));
    setBusy(false);
  };
  return (
    <button type="button" className="atlas-button" disabled={busy} onClick={start}>
      Try again
    </button>
  );
}

/** On a photo's own page. */
export function PhotoPicture({ record }) {
  const [photo, setPhoto] = React.useState(record.params);
  const [said, setSaid] = React.useState('');
  React.useEffect(() => setPhoto(record.params), [record]);
  return (
    <div className="atlas-shown">
      <Picture photo={photo} large />
      {photo.state === 'failed' ? (
        <div className="atlas-failure">
          <p dir="auto">{photo.error ?? 'It could not be prepared.'}</p>
          <TryAgain
            photo={photo}
            onError={setSaid}
            onDone={(answer) => {
              setPhoto(answer.photo);
              setSaid(answer.message);
            }}
          />
        </div>
      ) : null}
      <p role="status" className="atlas-note">
        {said}
      </p>
    </div>
  );
}

/** A number of bytes among a record's properties. */
export function Bytes({ record, property }) {
  const bytes = Number(record.params[property.path]);
  return (
    <div className="atlas-property">
      <span className="atlas-label">Size</span>
      <span title={`${formatNumber(bytes)} bytes`}>{formatBytes(bytes)}</span>
    </div>
  );
}
