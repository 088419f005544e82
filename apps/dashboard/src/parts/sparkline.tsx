/** A small curve, oldest on the left; a gap where nothing is known. */
export function Sparkline({
  points,
  most,
  label,
}: {
  points: readonly (number | null)[];
  most: number;
  label: string;
}) {
  const [width, height] = [120, 24];
  let path = '';
  let isDrawing = false;
  points.forEach((point, i) => {
    if (point === null) {
      isDrawing = false;
      return;
    }
    const x = points.length < 2 ? width : (i / (points.length - 1)) * width;
    const y = height - 1 - (Math.min(point, most) / (most || 1)) * (height - 2);
    path += `${isDrawing ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
    isDrawing = true;
  });
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${width} ${height}`}
      role="img"
      aria-label={label}
      preserveAspectRatio="none"
    >
      <path d={path} />
    </svg>
  );
}
