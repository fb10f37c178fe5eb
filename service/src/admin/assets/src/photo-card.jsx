import { Picture, TryAgain } from './photo.jsx';
import { actOnPhoto } from './records.js';

/** The alternative text, saved when one leaves the field or presses Enter. */
function AltText({ photo, onError }) {
  const [text, setText] = React.useState(photo.alt ?? '');
  const [saved, setSaved] = React.useState(photo.alt ?? '');
  const save = async () => {
    if (text === saved) return;
    await actOnPhoto(photo.id, 'edit', { alt: text }).then(
      () => setSaved(text),
      (error) => onError(`alternative text: ${error.message}`),
    );
  };
  return (
    <input
      className="atlas-alt"
      aria-label={`Alternative text of photo ${photo.id}`}
      placeholder="What is to be seen here"
      dir="auto"
      value={text}
      onChange={({ target }) => setText(target.value)}
      onBlur={save}
      onKeyDown={({ key, currentTarget }) => key === 'Enter' && currentTarget.blur()}
    />
  );
}

function Delete({ onDelete }) {
  const [asked, setAsked] = React.useState(false);
  if (!asked)
    return (
      <button type="button" className="atlas-button atlas-plain" onClick={() => setAsked(true)}>
        Delete
      </button>
    );
  return (
    <button
      type="button"
      className="atlas-button atlas-danger"
      onClick={onDelete}
      onBlur={() => setAsked(false)}
    >
      Delete it?
    </button>
  );
}

/** One photo among its salon's: what it shows, its place, and what can be done with it. */
export function PhotoCard({ photo, isFirst, isLast, onMove, onDelete, onError, reload }) {
  return (
    <li className="atlas-photo">
      <a href={`/admin/resources/photos/records/${photo.id}/show`} title={`${photo.width} × ${photo.height}`}>
        <Picture photo={photo} />
      </a>
      {photo.state === 'failed' ? (
        <p className="atlas-bad" dir="auto">
          {photo.error}
        </p>
      ) : null}
      <AltText photo={photo} onError={onError} />
      <div className="atlas-photo-buttons">
        <button
          type="button"
          className="atlas-button"
          aria-label="Move it forward"
          disabled={isFirst}
          onClick={() => onMove(-1)}
        >
          ←
        </button>
        <button
          type="button"
          className="atlas-button"
          aria-label="Move it back"
          disabled={isLast}
          onClick={() => onMove(1)}
        >
          →
        </button>
        {photo.state === 'failed' ? <TryAgain photo={photo} onDone={reload} onError={onError} /> : null}
        <Delete onDelete={onDelete} />
      </div>
    </li>
  );
}
