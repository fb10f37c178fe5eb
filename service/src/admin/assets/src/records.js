const api = () => new AdminJS.ApiClient();

/** A salon's photos in their order. */
export async function listPhotos(salonId, signal) {
  const params = { 'filters.salon_id': salonId, sortBy: 'position', direction: 'asc', perPage: 500 };
  const { data } = await api().resourceAction({ resourceId: 'photos', actionName: 'list', params, signal });
  return data.records.map(({ params: photo }) => photo);
}

/**
 * Does something with a photo and answers with the photo as it is then.
 * @throws with what the panel says when it refuses
 */
export async function actOnPhoto(recordId, actionName, fields = {}) {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields)) form.set(name, String(value));
  // AdminJS reads a POST from a body; one without fields would have none.
  form.set('requested', '1');
  const { data } = await api().recordAction({ resourceId: 'photos', recordId, actionName, data: form });
  const [problem] = Object.values(data.record?.errors ?? {});
  if (problem) throw new Error(problem.message);
  if (data.notice?.type === 'error') throw new Error(data.notice.message);
  return { photo: data.record?.params, message: data.notice?.message };
}
