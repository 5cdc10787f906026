// Track record: the chosen promotion type alone.
report.subscribe((filters) => {
  const chosen = filters.promotion_type < 0 ? null : report.core.values.promotion_type[filters.promotion_type];
  for (const part of document.querySelectorAll("#track_record [data-type]")) part.hidden = chosen !== null && part.dataset.type !== chosen;
});
