/* SPDX-License-Identifier: MIT */
/*
 * A line of a batch: a JSON object, turned into the same texts of options as those of the command line, and
 * these into an envelope and a message. Texts may hold any character: the library is their judge.
 */

#include "batch_job.h"

#include "base64.h"
#include "mail_parameters.h"
#include "option_values.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

/* What is being made of a line. */
struct line {
        struct batch_job *job;
        json_t *object;
        struct options options;
        postel_error *error;
};

struct batch_job *batch_job_new(void)
{
        struct batch_job *job = calloc(1, sizeof(*job));

        if (job)
                job->owners = 2;
        return job;
}

void batch_job_free(struct batch_job *job)
{
        mail_deinit(&job->mail);
        json_decref(job->content);
        json_decref(job->id);
        free(job->octets_of_content);
        free(job->report);
        free(job);
}

static postel_status out_of_memory(postel_error *error)
{
        return text_error(error, POSTEL_MEMORY, "out of memory");
}

/* A text of the library ends at its first NUL, so that one within must not come so far. */
static postel_status refuse_nul(const char *key, const json_t *string, postel_error *error)
{
        if (strlen(json_string_value(string)) == json_string_length(string))
                return POSTEL_OK;
        return text_error(error, POSTEL_INVALID, "%s: holds a NUL", key);
}

/* ---- The JSON ---- */

/* Jansson ends its texts with what stands near the fault, which is nobody's business. */
static postel_status refuse_syntax(postel_error *error, const json_error_t *fault)
{
        const char *excerpt = strstr(fault->text, " near ");
        int length = (int)(excerpt ? (size_t)(excerpt - fault->text) : strlen(fault->text));

        if (json_error_code(fault) == json_error_out_of_memory)
                return out_of_memory(error);
        return text_error(error, POSTEL_INVALID, "column %d: %.*s", fault->column, length, fault->text);
}

static postel_status take_id(struct batch_job *job, const json_t *object, postel_error *error)
{
        json_t *id = json_object_get(object, "id");

        if (!id)
                return POSTEL_OK;
        if (!json_is_string(id) && !json_is_number(id))
                return text_error(error, POSTEL_INVALID, "id: must be a string or a number");
        if (json_is_string(id) && refuse_nul("id", id, error) != POSTEL_OK)
                return POSTEL_INVALID;
        job->id = json_incref(id);
        return POSTEL_OK;
}

/* A key that stands twice hides no identifier, unless it is that. */
static void find_id(struct batch_job *job, const char *text, size_t size)
{
        static const char twice[] = "\"id\"";
        json_t *object = json_loadb(text, size, JSON_ALLOW_NUL, NULL);
        postel_error ignored;
        const char *first = memmem(text, size, twice, sizeof(twice) - 1);

        if (first && !memmem(first + 1, size - (size_t)(first + 1 - text), twice, sizeof(twice) - 1))
                take_id(job, object, &ignored);
        json_decref(object);
}

static postel_status load(struct line *line, const char *text, size_t size)
{
        json_error_t fault;

        line->object = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &fault);
        if (!line->object) {
                if (json_error_code(&fault) == json_error_duplicate_key)
                        find_id(line->job, text, size);
                return refuse_syntax(line->error, &fault);
        }
        if (!json_is_object(line->object))
                return text_error(line->error, POSTEL_INVALID, "must be a JSON object");
        return take_id(line->job, line->object, line->error);
}

/* ---- Parameters ---- */

static bool is_named(const struct argp_option *option, const char *key)
{
        const char *name = option->name;

        while (*name && *key == (*name == '-' ? '_' : *name)) {
                name++;
                key++;
        }
        return !*name && !*key;
}

static const struct argp_option *find_parameter(const char *key)
{
        for (const struct argp_option *option = mail_parameter_options; option->name; option++) {
                if (is_named(option, key))
                        return option;
        }
        return NULL;
}

static postel_status add_text(
        struct line *line, const struct argp_option *option, const char *key, const json_t *value)
{
        char *number = json_is_number(value) ? json_dumps(value, JSON_ENCODE_ANY) : NULL;
        const char *text = json_is_string(value) ? json_string_value(value) : number;
        postel_status status = json_is_string(value) ? refuse_nul(key, value, line->error) : POSTEL_OK;

        if (!json_is_string(value) && !json_is_number(value))
                status = text_error(line->error, POSTEL_INVALID, "%s: must be a string or a number", key);
        else if (status == POSTEL_OK &&
                 (!text || !options_add(&line->options, (enum option_id)option->key, text)))
                status = out_of_memory(line->error);
        free(number);
        return status;
}

static postel_status add_flag(
        struct line *line, const struct argp_option *option, const char *key, const json_t *value)
{
        const char *text = json_is_true(value) ? OPTION_FLAG_SET : OPTION_FLAG_CLEARED;

        if (!json_is_boolean(value))
                return text_error(line->error, POSTEL_INVALID, "%s: must be true or false", key);
        if (!options_add(&line->options, (enum option_id)option->key, text))
                return out_of_memory(line->error);
        return POSTEL_OK;
}

static bool is_list(const struct argp_option *option)
{
        return option->key == OPTION_MAIL_PARAM || option->key == OPTION_RCPT_PARAM;
}

static postel_status add_parameter(struct line *line, const char *key, const json_t *value)
{
        const struct argp_option *option = find_parameter(key);
        postel_status status = POSTEL_OK;
        size_t index;
        const json_t *each;

        if (!option)
                return text_error(line->error, POSTEL_INVALID, "unknown key \"%s\"", key);
        if (!option->arg)
                return add_flag(line, option, key, value);
        if (!json_is_array(value) || !is_list(option))
                return add_text(line, option, key, value);
        json_array_foreach(value, index, each)
        {
                if (status == POSTEL_OK)
                        status = add_text(line, option, key, each);
        }
        return status;
}

static bool is_no_parameter(const char *key)
{
        static const char *const keys[] = { "id", "to", "file", "message", "message_base64" };

        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                if (strcmp(keys[i], key) == 0)
                        return true;
        }
        return false;
}

static postel_status read_parameters(struct line *line)
{
        const char *key;
        json_t *value;

        json_object_foreach(line->object, key, value)
        {
                postel_status status = is_no_parameter(key) ? POSTEL_OK : add_parameter(line, key, value);
                if (status != POSTEL_OK)
                        return status;
        }
        return POSTEL_OK;
}

/* ---- Recipients ---- */

/* The key of a recipient, for errors: "to 1: notify". */
#define RECIPIENT_KEY_SIZE 64

static postel_status get_text(
        const json_t *recipient, size_t index, const char *key, const char **text, postel_error *error)
{
        const json_t *value = json_object_get(recipient, key);
        char name[RECIPIENT_KEY_SIZE];

        *text = NULL;
        if (!value)
                return POSTEL_OK;
        snprintf(name, sizeof(name), "to %zu: %s", index + 1, key);
        if (!json_is_string(value))
                return text_error(error, POSTEL_INVALID, "%s: must be a string", name);
        *text = json_string_value(value);
        return refuse_nul(name, value, error);
}

static postel_status add_recipient(struct line *line, const json_t *recipient, size_t index)
{
        const char *address = json_string_value(recipient);
        char name[RECIPIENT_KEY_SIZE];
        postel_status status = POSTEL_OK;

        snprintf(name, sizeof(name), "to %zu", index + 1);
        if (json_is_object(recipient))
                status = get_text(recipient, index, "address", &address, line->error);
        else if (json_is_string(recipient))
                status = refuse_nul(name, recipient, line->error);
        if (status != POSTEL_OK)
                return status;
        if (!address)
                return text_error(line->error, POSTEL_INVALID,
                        "%s: must be an address, or an object with \"address\"", name);
        if (!mail_add_recipient(&line->job->mail, address))
                return out_of_memory(line->error);
        return POSTEL_OK;
}

static postel_status copy_recipients(struct line *line, const struct mail *from)
{
        for (size_t i = 0; i < from->recipient_count; i++) {
                if (!mail_add_recipient(&line->job->mail, from->recipients[i]))
                        return out_of_memory(line->error);
        }
        return POSTEL_OK;
}

static postel_status read_recipients(struct line *line, const struct mail *default_recipients)
{
        const json_t *to = json_object_get(line->object, "to");
        postel_status status = POSTEL_OK;
        size_t index;
        const json_t *recipient;

        if (!to)
                return copy_recipients(line, default_recipients);
        if (json_is_string(to))
                return add_recipient(line, to, 0);
        if (!json_is_array(to))
                return text_error(line->error, POSTEL_INVALID, "to: must be an array of recipients");
        json_array_foreach(to, index, recipient)
        {
                if (status == POSTEL_OK)
                        status = add_recipient(line, recipient, index);
        }
        return status;
}

static postel_status set_recipient(struct line *line, const json_t *recipient, size_t index)
{
        postel_envelope *envelope = line->job->mail.envelope;
        const char *notify;
        const char *orcpt;
        const char *key;
        unsigned when;
        json_t *value;
        postel_status status = get_text(recipient, index, "notify", &notify, line->error);

        if (status == POSTEL_OK)
                status = get_text(recipient, index, "orcpt", &orcpt, line->error);
        if (status != POSTEL_OK)
                return status;
        if (notify && !parse_notify(notify, &when))
                return text_error(line->error, POSTEL_INVALID, "to %zu: notify: %s", index + 1, NOTIFY_RULE);
        if (notify)
                postel_envelope_set_notify(envelope, index, when);
        if (orcpt)
                postel_envelope_set_orcpt(envelope, index, orcpt);
        json_object_foreach((json_t *)recipient, key, value)
        {
                if (strcmp(key, "address") != 0 && strcmp(key, "notify") != 0 && strcmp(key, "orcpt") != 0)
                        return text_error(
                                line->error, POSTEL_INVALID, "to %zu: unknown key \"%s\"", index + 1, key);
        }
        return POSTEL_OK;
}

static postel_status set_recipients(struct line *line)
{
        const json_t *to = json_object_get(line->object, "to");
        postel_status status = POSTEL_OK;
        size_t index;
        const json_t *recipient;

        json_array_foreach(to, index, recipient)
        {
                if (status == POSTEL_OK && json_is_object(recipient))
                        status = set_recipient(line, recipient, index);
        }
        return status;
}

/* ---- Content ---- */

static postel_message *decoded_message(struct batch_job *job, const json_t *string, bool *is_base64)
{
        const char *text = json_string_value(string);
        size_t size = json_string_length(string);
        size_t count = 0;

        *is_base64 = true;
        job->octets_of_content = malloc(BASE64_DECODED_SIZE(size) + 1);
        if (!job->octets_of_content)
                return NULL;
        *is_base64 = base64_decode(text, size, job->octets_of_content, &count);
        return *is_base64 ? postel_message_from_memory(job->octets_of_content, count) : NULL;
}

static postel_status make_message(struct line *line, const char *key, json_t *value)
{
        struct batch_job *job = line->job;
        bool is_base64 = true;
        postel_message *message;

        if (!json_is_string(value))
                return text_error(line->error, POSTEL_INVALID, "%s: must be a string", key);
        if (strcmp(key, "file") == 0) {
                if (refuse_nul(key, value, line->error) != POSTEL_OK)
                        return POSTEL_INVALID;
                message = postel_message_from_path(json_string_value(value));
        } else if (strcmp(key, "message") == 0) {
                job->content = json_incref(value);
                message = postel_message_from_memory(json_string_value(value), json_string_length(value));
        } else {
                message = decoded_message(job, value, &is_base64);
        }
        if (!is_base64)
                return text_error(line->error, POSTEL_INVALID, "%s: is not base64 (RFC 4648)", key);
        return mail_take_message(&job->mail, message, &line->options, line->error);
}

static postel_status read_message(struct line *line)
{
        static const char *const keys[] = { "file", "message", "message_base64" };
        const char *key = NULL;

        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
                if (!json_object_get(line->object, keys[i]))
                        continue;
                if (key)
                        return text_error(
                                line->error, POSTEL_INVALID, "%s: there is a \"%s\" already", keys[i], key);
                key = keys[i];
        }
        if (!key)
                return text_error(
                        line->error, POSTEL_INVALID, "a file, a message or a message_base64 is required");
        return make_message(line, key, json_object_get(line->object, key));
}

postel_status batch_job_parse(struct batch_job *job, const char *text, size_t size,
        const struct options *defaults, const struct mail *default_recipients, postel_error *error)
{
        struct line line = { .job = job, .options = { .defaults = defaults }, .error = error };
        postel_status status = load(&line, text, size);

        if (status == POSTEL_OK)
                status = read_recipients(&line, default_recipients);
        if (status == POSTEL_OK)
                status = read_parameters(&line);
        if (status == POSTEL_OK)
                status = mail_compose_envelope(&job->mail, &line.options, error);
        if (status == POSTEL_OK)
                status = set_recipients(&line);
        if (status == POSTEL_OK)
                status = read_message(&line);
        options_free(&line.options);
        json_decref(line.object);
        return status;
}
