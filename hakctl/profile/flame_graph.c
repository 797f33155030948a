/* SPDX-License-Identifier: MIT */
/* See flame_graph.h. Where there is no script the boxes are where they are at first. */
#include <config.h>

#include "hakctl/profile/flame_graph.h"

#include <stdlib.h>
#include <string.h>

#include "hakctl/output/message.h"
#include "hakctl/output/units.h"

#define WIDTH	   1200.0
#define MARGIN	   10.0
#define HEAD	   48.0
#define ROW	   18.0
#define LETTER	   6.8	  /* of the monospaced font, a little more than it takes */
#define SHARE_LEAST 0.0002 /* narrower boxes cannot be seen, nor hit when zoomed by a thousand */

struct node {
	const char *name;
	double value;
	struct node *child, *next; /* the first of its children; the next of its parent's */
};

static struct node *child_of(struct node *parent, const char *name)
{
	struct node **link = &parent->child;

	for (; *link; link = &(*link)->next)
		if (!strcmp((*link)->name, name))
			return *link;
	*link = calloc(1, sizeof(**link));
	if (!*link)
		message_out_of_memory();
	(*link)->name = strdup(name);
	return *link;
}

/* Values below zero, of a difference, have no width. */
static struct node *make_tree(const struct heap_profile *profile, enum profile_value value)
{
	struct node *root = calloc(1, sizeof(*root));

	if (!root)
		message_out_of_memory();
	root->name = "all";
	for (size_t i = 0; i < profile->stack_count; i++) {
		const struct profile_stack *stack = &profile->stacks[i];
		struct node *node = root;

		if (stack->values[value] <= 0)
			continue;
		root->value += stack->values[value];
		for (unsigned k = stack->depth; k-- > 0;) {
			node = child_of(node, heap_profile_name(
						      &profile->frames[stack->frames[k]]));
			node->value += stack->values[value];
		}
	}
	return root;
}

static void free_tree(struct node *node)
{
	while (node) {
		struct node *next = node->next;

		free_tree(node->child);
		free(node);
		node = next;
	}
}

static unsigned depth_of(const struct node *node, double least)
{
	unsigned depth = 0;

	for (const struct node *child = node->child; child; child = child->next) {
		unsigned below = child->value >= least ? 1 + depth_of(child, least) : 0;

		depth = below > depth ? below : depth;
	}
	return depth;
}

static void put_text(const char *text, int most, FILE *file)
{
	for (; *text && most > 0; text++, most--) {
		if (*text == '&')
			fputs("&amp;", file);
		else if (*text == '<')
			fputs("&lt;", file);
		else if (*text == '>')
			fputs("&gt;", file);
		else if (*text == '"')
			fputs("&quot;", file);
		else
			putc(*text, file);
	}
}

/* Warm, and the same for the same name. */
static void put_colour(const char *name, FILE *file)
{
	unsigned hash = 2166136261u;

	for (; *name; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	fprintf(file, "hsl(%u,%u%%,%u%%)", 5 + hash % 50, 70 + hash / 64 % 20,
		62 + hash / 2048 % 14);
}

static const char *amount(double value, enum profile_value kind)
{
	static struct units_text text;

	text = kind == PROFILE_ALLOCATED_BYTES || kind == PROFILE_LIVE_BYTES ?
		       units_size((uint64_t)value) :
		       units_count(value);
	return text.text;
}

struct picture {
	FILE *file;
	double all;
	enum profile_value kind;
};

static void put_node(const struct picture *picture, const struct node *node, double from,
		     unsigned row)
{
	double x = MARGIN + from / picture->all * (WIDTH - 2 * MARGIN);
	double width = node->value / picture->all * (WIDTH - 2 * MARGIN), y = HEAD + row * ROW;
	int letters = (int)((width - 6) / LETTER);

	fprintf(picture->file, "<g data-x=\"%.8f\" data-w=\"%.8f\" data-n=\"", from / picture->all,
		node->value / picture->all);
	put_text(node->name, 4096, picture->file);
	fputs("\"><title>", picture->file);
	put_text(node->name, 4096, picture->file);
	fprintf(picture->file,
		"\n%s, %.2f %%</title><rect x=\"%.2f\" y=\"%.1f\" width=\"%.2f\" height=\"%.1f\" fill=\"",
		amount(node->value, picture->kind), 100 * node->value / picture->all, x, y,
		width > 0.4 ? width - 0.3 : width, ROW - 1);
	put_colour(node->name, picture->file);
	fprintf(picture->file, "\" rx=\"2\"/><text x=\"%.2f\" y=\"%.1f\">", x + 3, y + 13);
	if (letters >= 3 && (size_t)letters < strlen(node->name)) {
		put_text(node->name, letters - 2, picture->file);
		fputs("..", picture->file);
	} else if (letters >= 3) {
		put_text(node->name, letters, picture->file);
	}
	fputs("</text></g>\n", picture->file);
	for (const struct node *child = node->child; child; child = child->next) {
		if (child->value >= SHARE_LEAST * picture->all)
			put_node(picture, child, from, row + 1);
		from += child->value;
	}
}

static const char script[] =
	"const W=%.1f,M=%.1f,L=%.1f,all=[...document.querySelectorAll('g[data-x]')];\n"
	"const top_=document.getElementById('back'),found=document.getElementById('found');\n"
	"function zoom(x,w){for(const g of all){const a=+g.dataset.x,b=+g.dataset.w;\n"
	" let l=(a-x)/w,r=(a+b-x)/w;const out=r<=1e-9||l>=1-1e-9;\n"
	" g.style.display=out?'none':'';if(out)continue;\n"
	" g.style.opacity=l<-1e-9||r>1+1e-9?0.55:1;l=Math.max(l,0);r=Math.min(r,1);\n"
	" const p=M+l*(W-2*M),q=(r-l)*(W-2*M),c=g.children;\n"
	" c[1].setAttribute('x',p);c[1].setAttribute('width',Math.max(q-0.3,0.1));\n"
	" const n=Math.floor((q-6)/L),t=g.dataset.n;c[2].setAttribute('x',p+3);\n"
	" c[2].textContent=n<3?'':t.length>n?t.slice(0,n-2)+'..':t;}\n"
	" top_.style.display=w<1?'':'none';}\n"
	"for(const g of all)g.addEventListener('click',()=>zoom(+g.dataset.x,+g.dataset.w));\n"
	"top_.addEventListener('click',()=>zoom(0,1));\n"
	"addEventListener('keydown',e=>{if(e.key==='Escape')zoom(0,1);if(e.key!=='/')return;\n"
	" const w=prompt('Functions whose name has:');if(w===null)return;let s=0,end=-1;\n"
	" for(const g of all){const hit=w&&g.dataset.n.includes(w);g.classList.toggle('hit',!!hit);\n"
	"  if(hit&&+g.dataset.x>=end-1e-9){s+=+g.dataset.w;end=+g.dataset.x+ +g.dataset.w;}}\n"
	" found.textContent=w?w+': '+(100*s).toFixed(2)+' %%':'';e.preventDefault();});\n"
	"if(location.hash.length>1)for(const g of all)\n"
	" if(g.dataset.n===decodeURIComponent(location.hash.slice(1))){zoom(+g.dataset.x,+g.dataset.w);break;}\n";

bool flame_graph_write(const struct heap_profile *profile, enum profile_value value,
		       const char *title, FILE *file)
{
	struct node *root = make_tree(profile, value);
	double all = root->value > 0 ? root->value : 1;
	struct picture picture = { file, all, value };
	double height = HEAD + (1 + depth_of(root, SHARE_LEAST * all)) * ROW + 8;

	fprintf(file,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %.0f %.0f\" width=\"%.0f\" height=\"%.0f\">\n"
		"<style>svg{background:#fdfcf8;font:12px ui-monospace,Menlo,Consolas,monospace}text{pointer-events:none}"
		"g[data-x]{cursor:pointer}g[data-x]:hover rect{stroke:#333}.hit rect{fill:#b98ae0}"
		"#back{cursor:pointer;fill:#1a56a0;pointer-events:all}</style>\n<text x=\"%.0f\" y=\"18\" font-size=\"15\">",
		WIDTH, height, WIDTH, height, MARGIN);
	put_text(title, 200, file);
	fprintf(file,
		"</text>\n<text x=\"%.0f\" y=\"36\" fill=\"#666\">%s; click: zoom, Escape: back, /: search</text>\n"
		"<text id=\"back\" x=\"%.0f\" y=\"18\" text-anchor=\"end\" style=\"display:none\">all again</text>\n"
		"<text id=\"found\" x=\"%.0f\" y=\"36\" text-anchor=\"end\" fill=\"#6a3fa0\"></text>\n",
		MARGIN, amount(root->value, value), WIDTH - MARGIN, WIDTH - MARGIN);
	put_node(&picture, root, 0, 0);
	fputs("<script><![CDATA[\n", file);
	fprintf(file, script, WIDTH, MARGIN, LETTER);
	fputs("]]></script>\n</svg>\n", file);
	free_tree(root);
	return !fflush(file) && !ferror(file);
}
