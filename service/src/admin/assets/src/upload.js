/** What the answer to an upload says, in one sentence. */
function explain(request) {
  if (request.status === 0) return 'the connection was lost; the photo was not stored';
  if (request.status === 413) return detailOf(request) ?? 'is larger than this server accepts';
  return detailOf(request) ?? `was refused (${request.status})`;
}

function detailOf({ responseText }) {
  try {
    const { errors, detail } = JSON.parse(responseText);
    const [first] = errors ?? [];
    return first ? first.message : detail;
  } catch {
    return undefined;
  }
}

/**
 * Sends one file to a salon. `onProgress` hears the share that was sent, 0 to 1.
 * @throws with what the server says of the file
 */
export function sendPhoto(salonId, file, onProgress) {
  const form = new FormData();
  form.set('photo', file);
  // Not fetch: it tells nothing of an upload's progress.
  const request = new XMLHttpRequest();
  return new Promise((resolve, reject) => {
    request.upload.addEventListener('progress', ({ loaded, total }) => onProgress(loaded / total));
    request.addEventListener('loadend', () => {
      if (request.status === 201) resolve();
      else reject(new Error(explain(request)));
    });
    request.open('POST', `/admin/api/uploads/salons/${salonId}`);
    request.send(form);
  });
}
