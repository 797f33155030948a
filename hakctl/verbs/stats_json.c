/* SPDX-License-Identifier: MIT */
/* A look as JSON; see stats_text.h. `hakctl stats -j` and `hakctl numa -j` print it. */
#include <config.h>

#include "hakctl/client/ledger.h"
#include "hakctl/client/metric_list.h"
#include "hakctl/verbs/stats_text.h"
#include "hakctl/client/thread_ids.h"

static struct json_object *class_to_json(const struct control_class *row)
{
	struct json_object *object = json_object_new_object();

	json_output_number(object, "size_bytes", row->size_bytes);
	json_output_number(object, "slab_bytes", row->slab_bytes);
	json_output_number(object, "slab_capacity", row->slab_capacity);
	json_output_flag(object, "alignment_only", row->alignment_only != 0);
	json_output_number(object, "slabs", row->slabs);
	json_output_number(object, "live", row->live);
	json_output_number(object, "cached", row->cached);
	json_output_number(object, "in_transit", row->in_transit);
	json_output_number(object, "free", row->free);
	json_output_number(object, "untouched", row->untouched);
	json_output_number(object, "asked_bytes", row->asked_bytes);
	json_output_number(object, "samples", row->samples);
	return object;
}

static struct json_object *thread_to_json(const struct target *target,
					  const struct control_thread *row)
{
	char name[32] = "";
	static const char *const states[] = { "live", "idle", "frozen" };
	struct json_object *object = json_object_new_object();

	json_output_number(object, "number", row->number);
	if (row->thread)
		thread_ids_name(&target->process, row->thread, name);
	json_output_number(object, "thread", row->thread);
	json_output_text(object, "name", name);
	json_output_text(object, "state",
			 row->state < 3 ? states[row->state] : "unknown");
	json_output_number(object, "node", row->node);
	json_output_number(object, "slabs_bytes", row->slabs_bytes);
	json_output_number(object, "live_bytes", row->live_bytes);
	json_output_number(object, "cached_bytes", row->cached_bytes);
	json_output_number(object, "free_bytes", row->free_bytes);
	json_output_number(object, "in_transit_bytes", row->in_transit_bytes);
	json_output_number(object, "remote_frees", row->remote_frees);
	return object;
}

static struct json_object *node_to_json(const struct control_node *row)
{
	struct json_object *object = json_object_new_object();

	json_output_number(object, "node", row->node);
	json_output_flag(object, "helper", row->helper != 0);
	json_output_number(object, "opened_bytes", row->opened_bytes);
	json_output_number(object, "slabs_bytes", row->slabs_bytes);
	json_output_number(object, "live_bytes", row->live_bytes);
	json_output_number(object, "stock_bytes", row->stock_bytes);
	json_output_number(object, "remote_frees", row->remote_frees);
	json_output_number(object, "misplaced_bytes", row->misplaced_bytes);
	return object;
}

/* The terms as stats prints them: each with its sign, their sum is populated_bytes. */
static struct json_object *terms_to_json(const struct control_ledger *ledger)
{
	struct json_object *array = json_object_new_array();
	struct ledger_term terms[LEDGER_MOST_TERMS];
	size_t count = ledger_terms(ledger, terms);

	for (size_t i = 0; i < count; i++) {
		struct json_object *object = json_object_new_object();

		json_output_text(object, "name", terms[i].name);
		json_object_object_add(object, "bytes",
				       json_object_new_int64(terms[i].bytes));
		json_output_flag(object, "sampled", terms[i].is_sampled);
		json_object_array_add(array, object);
	}
	return array;
}

struct json_object *stats_text_total_to_json(const struct stats_total *total)
{
	const struct control_ledger *ledger = &total->ledger;
	struct json_object *object = json_object_new_object();

	json_output_number(object, "processes", total->processes);
	json_output_number(object, "rss_bytes", total->rss_bytes);
	json_output_number(object, "live_bytes", look_live_bytes(ledger));
	json_output_number(object, "populated_bytes", ledger->populated_bytes);
	json_output_limit(object, "populated_age_ns", ledger_populated_age_ns(ledger));
	json_output_number(object, "threads", ledger->threads);
	json_object_object_add(object, "terms", terms_to_json(ledger));
	return object;
}

void stats_text_to_json(const struct target *target, const struct look *look, unsigned rows,
			struct json_object *object)
{
	struct json_object *array;

	json_output_text(object, "release", look->release);
	json_output_text(object, "mode", look->ledger.mode);
	json_output_text(object, "notice", look->ledger.notice);
	json_output_flag(object, "from_outside", look->from_outside);
	json_output_number(object, "age_ns", look_age_ns(look));
	json_output_limit(object, "populated_age_ns", ledger_populated_age_ns(&look->ledger));
	json_output_limit(object, "not_heap_bytes", ledger_not_heap_bytes(&look->ledger));
	json_output_number(object, "live_bytes", look_live_bytes(&look->ledger));
	metric_list_to_json(&look->ledger, object);
	json_object_object_add(object, "terms", terms_to_json(&look->ledger));
	if (rows & LOOK_CLASSES) {
		json_object_object_add(object, "per_class",
				       array = json_object_new_array());
		for (size_t i = 0; i < look->classes.count; i++)
			json_object_array_add(
				array,
				class_to_json(&((const struct control_class *)(void *)
							look->classes.rows)[i]));
	}
	if (rows & LOOK_THREADS) {
		json_object_object_add(object, "per_thread",
				       array = json_object_new_array());
		for (size_t i = 0; i < look->threads.count; i++)
			json_object_array_add(
				array,
				thread_to_json(target, &((const struct control_thread *)(void *)
							 look->threads.rows)[i]));
	}
	if (rows & LOOK_NODES) {
		json_object_object_add(object, "per_node",
				       array = json_object_new_array());
		for (size_t i = 0; i < look->nodes.count; i++)
			json_object_array_add(
				array,
				node_to_json(&((const struct control_node *)(void *)
						       look->nodes.rows)[i]));
	}
}
