/* SPDX-License-Identifier: MIT */
/* See map_picture.h; map.c asks the library and calls it. */
#include <config.h>

#include "hakctl/map_picture.h"

#include <inttypes.h>

#include "hakctl/style.h"
#include "hakctl/text.h"
#include "hakctl/units.h"

enum { CELLS_A_LINE = 64, UNITS = 32, SVG_STEP = 12, SVG_TOP = 40 };

enum map_cell map_picture_cell(const struct control_superslab *superslab)
{
	switch (superslab->kind) {
	case CONTROL_SUPERSLAB_STOCK:
		return MAP_STOCK;
	case CONTROL_SUPERSLAB_ARMED:
		return MAP_ARMED;
	case CONTROL_SUPERSLAB_CLOSED:
		return MAP_UNUSED;
	case CONTROL_SUPERSLAB_LARGE:
	case CONTROL_SUPERSLAB_MIXED:
		return superslab->live_units  ? MAP_LARGE :
		       superslab->dirty_units ? MAP_FREE :
						MAP_UNUSED;
	default:
		return superslab->live_units  ? MAP_LIVE :
		       superslab->dirty_units ? MAP_FREE :
						MAP_UNUSED;
	}
}

const char *map_picture_name(enum map_cell cell)
{
	static const char *const names[] = { "unused", "live",	"free",
					     "stock",  "armed", "large" };

	return names[cell];
}

int map_picture_heat(const struct map_picture *picture, size_t index)
{
	uint64_t written;

	if (!picture->heat || index >= picture->heat->count)
		return -1;
	written = picture->heat->written_bytes[index];
	return written ? (int)(written * 9 / HEAT_SUPERSLAB_BYTES) : -1;
}

/* By how much of it is live, an eighth a step. */
static const char *filling(const struct control_superslab *superslab)
{
	static const char *const steps[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { ":", ":", "i", "i", "I", "I", "#", "#" };
	unsigned units = superslab->live_units > UNITS ? UNITS : superslab->live_units;

	unsigned step = (units ? units - 1 : 0) * 8 / UNITS;

	return text_sign(steps[step], ascii[step]);
}

static void print_cell(const struct map_picture *picture, size_t index)
{
	static const enum style styles[] = {
		[MAP_UNUSED] = STYLE_FAINT, [MAP_LIVE] = STYLE_GOOD,
		[MAP_FREE] = STYLE_WARNING, [MAP_STOCK] = STYLE_TITLE,
		[MAP_ARMED] = STYLE_FAINT,  [MAP_LARGE] = STYLE_PLAIN,
	};
	static const char *const letters[] = { "", "", "-", "+", "o", "L" };
	const struct control_superslab *superslab = &picture->superslabs[index];
	enum map_cell cell = map_picture_cell(superslab);
	int heat = map_picture_heat(picture, index);

	if (heat >= 0)
		printf("%s%d%s", style_begin(STYLE_BAD), heat, style_end(STYLE_BAD));
	else
		printf("%s%s%s", style_begin(styles[cell]),
		       cell == MAP_LIVE	  ? filling(superslab) :
		       cell == MAP_UNUSED ? text_sign("·", ".") :
		       cell == MAP_LARGE && superslab->live_units < UNITS ? "l" :
									    letters[cell],
		       style_end(styles[cell]));
}

static void print_legend(const struct map_picture *picture)
{
	size_t counts[MAP_CELL_COUNT] = { 0 }, hot = 0;

	for (size_t i = 0; i < picture->count; i++) {
		counts[map_picture_cell(&picture->superslabs[i])]++;
		hot += map_picture_heat(picture, i) >= 0;
	}
	printf("\n%s live %zu   L large %zu (l in part)   - free, kept %zu   + stock %zu   "
	       "o armed %zu   %s unused %zu\n",
	       text_sign("▁█", ":#"), counts[MAP_LIVE], counts[MAP_LARGE], counts[MAP_FREE], counts[MAP_STOCK],
	       counts[MAP_ARMED], text_sign("·", "."), counts[MAP_UNUSED]);
	if (picture->heat)
		printf("0-9 written to, in ninths: %zu (by %s)\n", hot,
		       picture->heat->how);
}

static bool line_is_unused(const struct map_picture *picture, size_t first)
{
	for (size_t i = first; i < first + CELLS_A_LINE && i < picture->count; i++)
		if (map_picture_cell(&picture->superslabs[i]) != MAP_UNUSED ||
		    map_picture_heat(picture, i) >= 0)
			return false;
	return true;
}

static void print_cells(const struct map_picture *picture, size_t first)
{
	printf("%7s  ", units_bytes(first * HEAT_SUPERSLAB_BYTES).text);
	for (size_t i = first; i < first + CELLS_A_LINE && i < picture->count; i++)
		print_cell(picture, i);
	putchar('\n');
}

void map_picture_text(const struct map_picture *picture)
{
	printf("%s%s%s  heap %s at 0x%" PRIx64 ", a cell 2 MiB\n\n",
	       style_begin(STYLE_TITLE), target_label(picture->target),
	       style_end(STYLE_TITLE),
	       units_mebibytes(picture->count * HEAT_SUPERSLAB_BYTES).text,
	       picture->ledger->heap_start);
	for (size_t i = 0; i < picture->count; i += CELLS_A_LINE) {
		size_t next = i;

		/* Address space that is only opened may be far more than what is used. */
		while (next < picture->count && line_is_unused(picture, next))
			next += CELLS_A_LINE;
		if (next > i + CELLS_A_LINE) {
			printf("%7s  %s%s up to here %s unused%s\n", "",
			       style_begin(STYLE_FAINT), text_sign("·", "."),
			       units_bytes((next - i) * HEAT_SUPERSLAB_BYTES).text,
			       style_end(STYLE_FAINT));
			i = next - CELLS_A_LINE;
		} else {
			print_cells(picture, i);
		}
	}
	print_legend(picture);
}

static void write_cell(const struct map_picture *picture, size_t index, FILE *out)
{
	static const char *const colours[] = { "#f2f2f2", "#2e9e5b", "#f0c04a",
					       "#4a8fd8", "#d8d8e8", "#8a63c9" };
	const struct control_superslab *superslab = &picture->superslabs[index];
	enum map_cell cell = map_picture_cell(superslab);
	int heat = map_picture_heat(picture, index);
	double x = (double)(index % CELLS_A_LINE) * SVG_STEP + 10;
	double y = (double)(index / CELLS_A_LINE) * SVG_STEP + SVG_TOP;
	double share = cell == MAP_LIVE || cell == MAP_LARGE ?
			       0.25 + 0.75 * superslab->live_units / UNITS :
			       1;

	fprintf(out,
		"<rect x=\"%g\" y=\"%g\" width=\"%d\" height=\"%d\" fill=\"%s\" "
		"fill-opacity=\"%.2f\"%s><title>%zu MiB, 0x%" PRIx64
		": %s, %u of 32 units live, "
		"%u with pages, node %u%s</title></rect>\n",
		x, y, SVG_STEP - 2, SVG_STEP - 2, colours[cell], share,
		heat >= 0 ? " stroke=\"#d0021b\" stroke-width=\"1.5\"" : "", index * 2,
		picture->ledger->heap_start + index * HEAT_SUPERSLAB_BYTES,
		map_picture_name(cell), superslab->live_units, superslab->dirty_units,
		superslab->node, heat >= 0 ? ", written to" : "");
}

static void write_legend(const struct map_picture *picture, double y, FILE *out)
{
	static const char *const texts[] = { "live",  "large", "free, pages kept",
					     "stock", "armed", "unused" };
	static const char *const colours[] = { "#2e9e5b", "#8a63c9", "#f0c04a",
					       "#4a8fd8", "#d8d8e8", "#f2f2f2" };

	for (int i = 0; i < MAP_CELL_COUNT; i++)
		fprintf(out,
			"<rect x=\"%d\" y=\"%g\" width=\"10\" height=\"10\" fill=\"%s\"/>"
			"<text x=\"%d\" y=\"%g\">%s</text>\n",
			10 + i * 120, y, colours[i], 24 + i * 120, y + 9, texts[i]);
	if (picture->heat)
		fprintf(out,
			"<text x=\"10\" y=\"%g\" fill=\"#d0021b\">framed: written to</text>\n",
			y + 26);
}

/* A name may hold what XML may not. */
static void write_text(const char *text, FILE *out)
{
	for (; *text; text++) {
		if (*text == '<' || *text == '>' || *text == '&' || *text == '"')
			fprintf(out, "&#%d;", *text);
		else
			fputc(*text >= ' ' && *text <= '~' ? *text : '?', out);
	}
}

void map_picture_svg(const struct map_picture *picture, FILE *out)
{
	size_t lines = (picture->count + CELLS_A_LINE - 1) / CELLS_A_LINE;
	double bottom = (double)lines * SVG_STEP + SVG_TOP + 10;

	fprintf(out,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%g\" "
		"font-family=\"sans-serif\" font-size=\"11\">\n"
		"<rect width=\"100%%\" height=\"100%%\" fill=\"white\"/>\n"
		"<text x=\"10\" y=\"22\" font-size=\"15\">hakmem heap of ",
		CELLS_A_LINE * SVG_STEP + 20, bottom + 40);
	write_text(target_label(picture->target), out);
	fprintf(out, ": %s, a cell 2 MiB</text>\n",
		units_mebibytes(picture->count * HEAT_SUPERSLAB_BYTES).text);
	for (size_t i = 0; i < picture->count; i++)
		write_cell(picture, i, out);
	write_legend(picture, bottom, out);
	fputs("</svg>\n", out);
}
