import { formatBytes } from './format.js';
import { Bar } from './parts.jsx';
import { sendPhoto } from './upload.js';

const ACCEPTED = 'image/jpeg,image/png,image/webp,image/avif';

/** Files on their way, one after the other; those that were refused stay with the reason. */
function useUploads(salonId, onStored) {
  const [uploads, setUploads] = React.useState([]);
  const line = React.useRef(Promise.resolve());
  const change = (id, fields) =>
    setUploads((all) => all.map((one) => (one.id === id ? { ...one, ...fields } : one)));
  const forget = (id) => setUploads((all) => all.filter((one) => one.id !== id));

  async function send({ id, file }) {
    try {
      await sendPhoto(salonId, file, (share) => change(id, { share }));
      forget(id);
      onStored();
    } catch (error) {
      change(id, { problem: error.message });
    }
  }

  function add(files) {
    const added = [...files].map((file) => ({ id: crypto.randomUUID(), file, share: 0 }));
    setUploads((all) => [...all, ...added]);
    for (const one of added) line.current = line.current.then(() => send(one));
  }
  return { uploads, add, forget };
}

function Upload({ upload: { file, share, problem }, onForget }) {
  return (
    <li className="atlas-upload">
      <span className="atlas-upload-name" dir="auto">
        {file.name}
      </span>
      {problem ? (
        <>
          <span className="atlas-bad" role="alert">
            {problem}
          </span>
          <button type="button" className="atlas-button" onClick={onForget}>
            Dismiss
          </button>
        </>
      ) : (
        <>
          <Bar share={share} label={`${Math.round(share * 100)} percent sent`} />
          <span className="atlas-quiet">
            {share === 1 ? 'being checked' : `${Math.round(share * 100)} % of ${formatBytes(file.size)}`}
          </span>
        </>
      )}
    </li>
  );
}

/** Where photos are dropped, or chosen, and their way to the server is seen. */
export function Dropzone({ salonId, onStored }) {
  const { uploads, add, forget } = useUploads(salonId, onStored);
  const [isOver, setIsOver] = React.useState(false);
  const drop = (event) => {
    event.preventDefault();
    setIsOver(false);
    add(event.dataTransfer.files);
  };
  const choose = ({ target }) => {
    add(target.files);
    // Or choosing the same file again would be no change.
    target.value = '';
  };
  const over = (event) => {
    event.preventDefault();
    setIsOver(true);
  };
  return (
    <div className="atlas-uploads">
      <label
        className={`atlas-drop ${isOver ? 'atlas-drop-over' : ''}`}
        onDragOver={over}
        onDragLeave={() => setIsOver(false)}
        onDrop={drop}
      >
        <input type="file" accept={ACCEPTED} multiple onChange={choose} />
        <strong>Add photos</strong>
        <span className="atlas-quiet">drop them here or choose: JPEG, PNG, WebP or AVIF</span>
      </label>
      {uploads.length > 0 ? (
        <ul aria-live="polite">
          {uploads.map((upload) => (
            <Upload key={upload.id} upload={upload} onForget={() => forget(upload.id)} />
          ))}
        </ul>
      ) : null}
    </div>
  );
}
