/* SPDX-License-Identifier: MIT */
/* See map_picture.h; map.c asks the library and calls it. */
#include <config.h>

#include "hakctl/verbs/map_picture.h"

#include <inttypes.h>

#include "hakctl/output/paragraph.h"
#include "hakctl/output/style.h"
#include "hakctl/output/table.h"
#include "hakctl/output/text.h"
#include "hakctl/output/units.h"

enum {
	CELLS_A_LINE = 64,
	UNITS = 32,
	SVG_STEP = 12,
	SVG_TOP = 40,
	LEGEND_STEP = 150,
	SVG_LEGEND = 70
};

/* "0x5f0123400000  ", "L   large blocks " */
enum { ADDRESS_COLUMNS = 16, KIND_COLUMNS = 17 };

static const char *const quarter_colours[] = { "#d9534f", "#eda23b", "#9dbb46", "#2e9e5b" };

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

uint64_t map_picture_live_bytes(const struct control_superslab *superslab)
{
	unsigned units = superslab->live_units > UNITS ? UNITS : superslab->live_units;
	uint64_t bytes = units * (HEAT_SUPERSLAB_BYTES / UNITS);

	return superslab->kind == CONTROL_SUPERSLAB_SLABS ? bytes * superslab->fill / 255 : bytes;
}

int map_picture_quarter(const struct control_superslab *superslab)
{
	enum map_cell cell = map_picture_cell(superslab);
	uint64_t live = map_picture_live_bytes(superslab);

	if (cell != MAP_LIVE && cell != MAP_LARGE)
		return -1;
	return live ? (int)((live - 1) * 4 / HEAT_SUPERSLAB_BYTES) : 0;
}

/* By how much of it lives, an eighth a step. */
static const char *filling(const struct control_superslab *superslab)
{
	static const char *const steps[] = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" };
	static const char *const ascii[] = { ":", ":", "i", "i", "I", "I", "#", "#" };
	uint64_t live = map_picture_live_bytes(superslab);
	unsigned step = (unsigned)((live ? live - 1 : 0) * 8 / HEAT_SUPERSLAB_BYTES);

	return text_sign(steps[step], ascii[step]);
}

/* What is nearly empty is what keeps memory: it stands out. */
static enum style style_of(const struct control_superslab *superslab)
{
	static const enum style by_cell[] = {
		[MAP_UNUSED] = STYLE_FAINT, [MAP_FREE] = STYLE_WARNING, [MAP_STOCK] = STYLE_TITLE,
		[MAP_ARMED] = STYLE_FAINT,  [MAP_LARGE] = STYLE_PLAIN,
	};
	static const enum style by_quarter[] = { STYLE_BAD, STYLE_WARNING, STYLE_GOOD, STYLE_GOOD };
	enum map_cell cell = map_picture_cell(superslab);

	return cell == MAP_LIVE ? by_quarter[map_picture_quarter(superslab)] : by_cell[cell];
}

static void print_cell(const struct map_picture *picture, size_t index)
{
	static const char *const letters[] = { "", "", "-", "+", "o", "L" };
	const struct control_superslab *superslab = &picture->superslabs[index];
	enum map_cell cell = map_picture_cell(superslab);
	enum style style = style_of(superslab);
	int heat = map_picture_heat(picture, index);

	if (heat >= 0)
		printf("%s%d%s", style_begin(STYLE_BAD), heat, style_end(STYLE_BAD));
	else
		printf("%s%s%s", style_begin(style),
		       cell == MAP_LIVE	  ? filling(superslab) :
		       cell == MAP_UNUSED ? text_sign("·", ".") :
		       cell == MAP_LARGE && superslab->live_units < UNITS ? "l" :
									    letters[cell],
		       style_end(style));
}

struct totals {
	size_t cells[MAP_CELL_COUNT], quarters[4];
	uint64_t large_live_bytes;
	size_t hot;
};

static struct totals add_up(const struct map_picture *picture)
{
	struct totals totals = { .hot = 0 };

	for (size_t i = 0; i < picture->count; i++) {
		const struct control_superslab *superslab = &picture->superslabs[i];
		enum map_cell cell = map_picture_cell(superslab);

		totals.cells[cell]++;
		totals.hot += map_picture_heat(picture, i) >= 0;
		if (cell == MAP_LIVE)
			totals.quarters[map_picture_quarter(superslab)]++;
		if (cell == MAP_LARGE)
			totals.large_live_bytes += map_picture_live_bytes(superslab);
	}
	return totals;
}

/* Fits 40 columns: a kind a line, and what is said of it in the next if need be. */
static void print_kind(const char *sign, const char *name, size_t cells, const char *note)
{
	char number[64], behind[96];

	if (!cells)
		return;
	snprintf(number, sizeof(number), "%5zu cells %10s", cells,
		 units_mebibytes(cells * HEAT_SUPERSLAB_BYTES).text);
	printf("%s  %-12s %s", sign, name, number);
	if (note[0]) {
		snprintf(behind, sizeof(behind), "   %s", note);
		paragraph_print(behind, KIND_COLUMNS + table_text_width(number), 3);
	}
	putchar('\n');
}

/* Counted by the library, and so exact: of the same moment as the cells. */
static void print_slabs(const struct map_picture *picture, const struct totals *totals)
{
	const struct control_ledger *ledger = picture->ledger;
	uint64_t inside = ledger->slabs_free_bytes + ledger->slabs_untouched_bytes +
			  ledger->slab_tails_bytes + ledger->thread_caches_bytes;

	if (!totals->cells[MAP_LIVE])
		return;
	paragraph_line(3, "up to a quarter live %zu, half %zu, three quarters %zu, more %zu",
		       totals->quarters[0], totals->quarters[1], totals->quarters[2],
		       totals->quarters[3]);
	paragraph_line(3, "of %s in slabs %s live, %s%s free inside (%s)%s, %s of it never touched",
		       units_mebibytes(ledger->slabs_bytes).text,
		       units_mebibytes(ledger->blocks_live_bytes).text, style_begin(STYLE_TITLE),
		       units_mebibytes(inside).text,
		       units_percent(inside, ledger->slabs_bytes).text, style_end(STYLE_TITLE),
		       units_mebibytes(ledger->slabs_untouched_bytes).text);
}

static void print_legend(const struct map_picture *picture)
{
	struct totals totals = add_up(picture);
	char large[64];

	putchar('\n');
	print_kind(text_sign("▁█", ":#"), "live", totals.cells[MAP_LIVE],
		   "as high as what lives in it");
	print_slabs(picture, &totals);
	snprintf(large, sizeof(large), "%s live; l: in part",
		 units_mebibytes(totals.large_live_bytes).text);
	print_kind("L ", "large blocks", totals.cells[MAP_LARGE], large);
	print_kind("- ", "free, kept", totals.cells[MAP_FREE], "");
	print_kind("+ ", "stock", totals.cells[MAP_STOCK], "");
	print_kind("o ", "armed", totals.cells[MAP_ARMED], "");
	print_kind(text_sign("· ", ". "), "unused", totals.cells[MAP_UNUSED], "");
	if (picture->heat)
		paragraph_line(0, "0-9 written to, in ninths: %zu (by %s)", totals.hot,
			       picture->heat->how);
}

/* Behind the address as many as fit, a power of two: the next line's address is round as well. */
static size_t cells_a_line(void)
{
	int columns = style_columns();
	size_t cells = CELLS_A_LINE;

	if (!columns)
		return cells;
	while (cells > 8 && cells + ADDRESS_COLUMNS > (size_t)columns)
		cells /= 2;
	while (2 * cells + ADDRESS_COLUMNS <= (size_t)columns)
		cells *= 2;
	return cells;
}

static bool line_is_unused(const struct map_picture *picture, size_t first, size_t width)
{
	for (size_t i = first; i < first + width && i < picture->count; i++)
		if (map_picture_cell(&picture->superslabs[i]) != MAP_UNUSED ||
		    map_picture_heat(picture, i) >= 0)
			return false;
	return true;
}

static void print_cells(const struct map_picture *picture, size_t first, size_t width)
{
	printf("0x%012" PRIx64 "  ", picture->ledger->heap_start + first * HEAT_SUPERSLAB_BYTES);
	for (size_t i = first; i < first + width && i < picture->count; i++)
		print_cell(picture, i);
	putchar('\n');
}

void map_picture_text(const struct map_picture *picture)
{
	size_t width = cells_a_line();

	paragraph_line(0, "%s%s%s  heap %s, a cell 2 MiB, a line %s from the address before it\n",
		       style_begin(STYLE_TITLE), target_label(picture->target),
		       style_end(STYLE_TITLE),
		       units_mebibytes(picture->count * HEAT_SUPERSLAB_BYTES).text,
		       units_mebibytes(width * HEAT_SUPERSLAB_BYTES).text);
	for (size_t i = 0; i < picture->count; i += width) {
		size_t next = i;

		/* Address space that is only opened may be far more than what is used. */
		while (next < picture->count && line_is_unused(picture, next, width))
			next += width;
		if (next > i + width) {
			printf("%14s  %s%s up to here %s unused%s\n", "", style_begin(STYLE_FAINT),
			       text_sign("·", "."),
			       units_bytes((next - i) * HEAT_SUPERSLAB_BYTES).text,
			       style_end(STYLE_FAINT));
			i = next - width;
		} else {
			print_cells(picture, i, width);
		}
	}
	print_legend(picture);
}

static const char *colour_of(const struct control_superslab *superslab)
{
	static const char *const by_cell[] = { "#f2f2f2", "",	     "#9c9c9c",
					       "#4a8fd8", "#d8d8e8", "#8a63c9" };
	enum map_cell cell = map_picture_cell(superslab);

	return cell == MAP_LIVE ? quarter_colours[map_picture_quarter(superslab)] : by_cell[cell];
}

/* A frame of the whole, filled from below as far as it lives. */
static void write_cell(const struct map_picture *picture, size_t index, FILE *out)
{
	const struct control_superslab *superslab = &picture->superslabs[index];
	enum map_cell cell = map_picture_cell(superslab);
	bool is_partly = cell == MAP_LIVE || cell == MAP_LARGE;
	double share =
		is_partly ? (double)map_picture_live_bytes(superslab) / HEAT_SUPERSLAB_BYTES : 1;
	int heat = map_picture_heat(picture, index);
	double x = (double)(index % CELLS_A_LINE) * SVG_STEP + 10;
	double y = (double)(index / CELLS_A_LINE) * SVG_STEP + SVG_TOP;
	double height = (SVG_STEP - 2) * share;

	fprintf(out,
		"<g><title>0x%" PRIx64 ", %zu MiB: %s, %.1f of 2 MiB live (%.0f %%), "
		"%u of 32 units taken, %u with pages, node %u%s</title>"
		"<rect x=\"%g\" y=\"%g\" width=\"%d\" height=\"%d\" fill=\"#e6e6e6\"%s/>"
		"<rect x=\"%g\" y=\"%.4g\" width=\"%d\" height=\"%.4g\" fill=\"%s\"/></g>\n",
		picture->ledger->heap_start + index * HEAT_SUPERSLAB_BYTES, index * 2,
		map_picture_name(cell), is_partly ? 2 * share : 0, is_partly ? 100 * share : 0,
		superslab->live_units, superslab->dirty_units, superslab->node,
		heat >= 0 ? ", written to" : "", x, y, SVG_STEP - 2, SVG_STEP - 2,
		heat >= 0 ? " stroke=\"#d0021b\" stroke-width=\"1.5\"" : "", x,
		y + (SVG_STEP - 2) - height, SVG_STEP - 2, height, colour_of(superslab));
}

static void write_sign(const char *colour, const char *text, int column, double y, FILE *out)
{
	fprintf(out,
		"<rect x=\"%d\" y=\"%g\" width=\"10\" height=\"10\" fill=\"%s\"/>"
		"<text x=\"%d\" y=\"%g\">%s</text>\n",
		10 + column * LEGEND_STEP, y, colour, 24 + column * LEGEND_STEP, y + 9, text);
}

static void write_legend(const struct map_picture *picture, double y, FILE *out)
{
	static const char *const quarters[] = { "live, to a quarter", "to a half",
						"to three quarters", "nearly full" };
	static const char *const others[] = { "large blocks", "free, pages kept", "stock", "armed",
					      "unused" };
	static const char *const colours[] = { "#8a63c9", "#9c9c9c", "#4a8fd8", "#d8d8e8",
					       "#f2f2f2" };
	const struct control_ledger *ledger = picture->ledger;
	uint64_t inside = ledger->slabs_free_bytes + ledger->slabs_untouched_bytes +
			  ledger->slab_tails_bytes + ledger->thread_caches_bytes;

	for (int i = 0; i < 4; i++)
		write_sign(quarter_colours[i], quarters[i], i, y, out);
	for (int i = 0; i < 5; i++)
		write_sign(colours[i], others[i], i, y + 20, out);
	fprintf(out, "<text x=\"10\" y=\"%g\">of %s in slabs %s live, %s free inside (%s)</text>\n",
		y + 52, units_mebibytes(ledger->slabs_bytes).text,
		units_mebibytes(ledger->blocks_live_bytes).text, units_mebibytes(inside).text,
		units_percent(inside, ledger->slabs_bytes).text);
	if (picture->heat)
		fprintf(out,
			"<text x=\"500\" y=\"%g\" fill=\"#d0021b\">framed: written to</text>\n",
			y + 52);
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
		CELLS_A_LINE * SVG_STEP + 20, bottom + SVG_LEGEND);
	write_text(target_label(picture->target), out);
	fprintf(out, ": %s, a cell 2 MiB</text>\n",
		units_mebibytes(picture->count * HEAT_SUPERSLAB_BYTES).text);
	for (size_t i = 0; i < picture->count; i++)
		write_cell(picture, i, out);
	write_legend(picture, bottom, out);
	fputs("</svg>\n", out);
}
