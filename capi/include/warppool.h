/*
 * warppool: multi-token access to the Warp agent service, from inside any program. The C API.
 *
 * A program configures tokens, creates a client, and asks. The client picks a token, exchanges it for a bearer, sends
 * the request, goes on with the next token when one fails, and delivers the answer as events or as one text. There is
 * no server to run, and the library shares nothing between clients, prints nothing, and starts no thread but one for
 * each client, a second one where there is a state store, and another one where the program supplies bearers. (libcurl,
 * below it, has a global initialisation, and may look up a name in a thread of its own.)
 *
 *   Contents:  CONVENTIONS - EXAMPLE - THREADS - OWNERSHIP - CALLBACKS - then the declarations:
 *              version, codes, errors, failure, log, bearer source, configuration, request, its context, its tools,
 *              usage, pool event, state store, client, answer, access token, stream, event, conversation, pool status,
 *              explanation, health report, pool change, statistics
 *
 *
 * CONVENTIONS
 *
 *  1. Names. warppool_<noun>_<verb>() acts on a handle of the type warppool_<noun>, its first parameter;
 *     warppool_<noun>_<property>() reads from it. Constants begin with WARPPOOL_. Every other name that begins with
 *     warppool_ or WARPPOOL_ is reserved.
 *
 *  2. Results. A function that can fail returns a warppool_code, and the code is authoritative. Its last parameter,
 *     `warppool_error** error`, may be NULL; otherwise it receives the details of a failure, or NULL where there are
 *     none: after WARPPOOL_OK, WARPPOOL_TIMEOUT and WARPPOOL_END, which are no failures. It is overwritten, not
 *     released: pass an empty variable. When memory is too short even for the details, a static "out of memory" stands
 *     in for them. No message, of an error or of the log, holds a credential.
 *
 *  3. NULL. A required pointer that is NULL fails with WARPPOOL_INVALID_ARGUMENT, and the message names the parameter.
 *     What may be NULL says so. Functions that read a property accept a NULL handle, and an index that is out of range:
 *     they return 0, -1, "" or, for a handle, NULL then, as their comment says. Destroying NULL does nothing. No
 *     function returns NULL for a string.
 *
 *  4. Out-parameters come after the inputs and before `error`. They are cleared first (handles and events to NULL,
 *     descriptors to -1) and set only with WARPPOOL_OK; but an answer is given whatever the code, with what came of it
 *     (warppool_client_ask()).
 *
 *  5. Ownership. A handle that an out-parameter receives belongs to the caller, who passes its address to the _destroy
 *     function of its type; that sets the variable to NULL. Everything else that is received (strings, events, errors
 *     in callbacks) is borrowed, for as long as the function's comment says. Arguments are copied: nothing that was
 *     passed in, but for `user_data`, needs to outlive the call.
 *
 *  6. Strings are UTF-8 and end with NUL. Where an answer's text may contain NUL bytes itself, its length can be had.
 *
 *  7. Durations are in milliseconds; dates in milliseconds since 1970-01-01 00:00 UTC, -1 where there is none. A wait
 *     of 0 only looks; -1 waits without a limit; what is below -1 is WARPPOOL_INVALID_ARGUMENT.
 *
 *  8. Structs that a program passes begin with their own size, and only ever grow at the end: start from the
 *     WARPPOOL_..._INIT of the type, or from zeros and set `struct_size` to sizeof. A program that was compiled against
 *     an older header gets the defaults for what it does not know. One that was compiled against a newer header works
 *     as long as it leaves at 0 what the library does not know; otherwise it gets WARPPOOL_INVALID_ARGUMENT. A struct
 *     that the library lends to a callback never changes.
 *
 *  9. Enumerations keep their numbers for ever, and new values fill the gaps: be ready for a value that your header
 *     does not have. A value that the library does not know is WARPPOOL_INVALID_ARGUMENT.
 *
 * 10. Nothing escapes: no C++ exception leaves a function, no function aborts or exits, and no signal is raised or
 *     handled. A defect of the library shows as WARPPOOL_INTERNAL.
 *
 * 11. Fork. A client belongs to the process that created it. In a child of that process a call on it or its streams
 *     returns WARPPOOL_MISUSE or, where it has nothing to fail with, does nothing; destroying them only frees memory.
 *     Nothing is sent, nothing is waited for.
 *
 * 12. Lifetime. Handles may be destroyed in any order: an answer, an error, a pool status, an explanation, a health
 *     report, a pool change, statistics, a request or a conversation does not need its client, a client does not need
 *     the handle of its state store, and a stream whose client is gone says WARPPOOL_CANCELLED. Once loaded, the shared
 *     library stays in the process: dlclose() does not unmap it.
 *
 * 13. One library. A process uses the shared library of this API or the static C++ library, not both: they register the
 *     same protobuf messages. (Each with a protobuf of its own, hidden from the other, they can live side by side.)
 *
 * 14. The process's end. Nothing has to be destroyed before it, and it may come in any way, in callbacks too. When
 * exit() or quick_exit() runs the library's handler, what runs is cancelled, state is saved, and no callback and no
 *     `user_data` is touched any more; that takes a second at most. The handler is registered with the first client. In
 *     what runs after it, streams can be read, cancelled and destroyed (a pushed stream's on_done() is called there),
 * and everything destroyed; other calls on a client return WARPPOOL_MISUSE.
 *
 * 15. Child programs. Connections and files of the library close on exec, but for a pair of descriptors that libcurl
 * wakes itself by. A child that only forks keeps copies of all of them until it ends.
 *
 *
 * EXAMPLE
 *
 *   #include <inttypes.h>
 *   #include <stdio.h>
 *   #include <warppool.h>
 *
 *   static int fail(const char* what, warppool_code code, warppool_error* error) {
 *     fprintf(stderr, "%s: %s\n", what, error ? warppool_error_to_string(error) : warppool_code_name(code));
 *     warppool_error_destroy(&error);
 *     return 1;
 *   }
 *
 *   static void log_line(warppool_log_level level, const char* message, int64_t time_ms, void* user_data) {
 *     (void)user_data;
 *     fprintf(stderr, "%" PRId64 " %s %s\n", time_ms, warppool_log_level_name(level), message);
 *   }
 *
 *   // Prints the answer while it comes.
 *   static int stream_answer(warppool_client* client, const char* question) {
 *     warppool_error* error = NULL;
 *     warppool_request* request = NULL;
 *     warppool_stream* stream = NULL;
 *     warppool_code code = warppool_request_create(question, &request, &error);
 *     if (code == WARPPOOL_OK) code = warppool_client_start_pull(client, request, &stream, &error);
 *     while (code == WARPPOOL_OK) {
 *       const warppool_event* event = NULL;
 *       code = warppool_stream_next(stream, -1, &event, &error);
 *       switch (warppool_event_get_type(event)) {
 *         case WARPPOOL_EVENT_TEXT_DELTA:
 *           fputs(warppool_event_text(event, NULL), stdout);
 *           break;
 *         case WARPPOOL_EVENT_ATTEMPT_FAILED:
 *           fprintf(stderr, "%s: %s\n", warppool_event_token(event), warppool_event_message(event));
 *           break;
 *         default:  // there are more, and a later version may have new ones
 *           break;
 *       }
 *     }
 *     putchar('\n');
 *     warppool_stream_destroy(&stream);
 *     warppool_request_destroy(&request);
 *     return code == WARPPOOL_END ? 0 : fail("answer", code, error);
 *   }
 *
 *   int main(int argc, char** argv) {
 *     warppool_error* error = NULL;
 *     warppool_config* config = NULL;
 *     warppool_config_load_options load = WARPPOOL_CONFIG_LOAD_OPTIONS_INIT;
 *     load.env_file = ".env";
 *     load.log = log_line;
 *     warppool_code code = warppool_config_load(&load, &config, &error);
 *     if (code != WARPPOOL_OK) return fail("configuration", code, error);
 *
 *     warppool_client* client = NULL;
 *     warppool_client_options options = WARPPOOL_CLIENT_OPTIONS_INIT;
 *     options.log = log_line;
 *     code = warppool_client_create(config, &options, &client, &error);
 *     warppool_config_destroy(&config);
 *     if (code != WARPPOOL_OK) return fail("client", code, error);
 *
 *     const int result = stream_answer(client, argc > 1 ? argv[1] : "Why is the sky blue?");
 *     warppool_client_destroy(&client);
 *     return result;
 *   }
 *
 *
 * THREADS
 *
 *   warppool_client         any thread, several at once; but destroying it is the last call
 *   warppool_stream         warppool_stream_next(): one thread at a time. _cancel(), _resume(): any thread, at any
 *                           time. Destroying it is the last call
 *   warppool_conversation   any thread, several at once; but destroying it is the last call on the handle
 *   warppool_state_store    any number of clients, in any threads; destroying the handle is the last call on it
 *   every other handle      one thread at a time; several may read the same one as long as none changes or destroys it
 *   functions of no handle  any thread
 *
 *   warppool_config_load() reads the process environment: no other thread may change that meanwhile.
 *
 *
 * OWNERSHIP
 *
 *   created by                                          released by                        holds on to
 *   warppool_config_create / _load / _copy              warppool_config_destroy            `user_data` of the bearer
 *                                                                                          sources in it
 *   warppool_request_create / _copy                     warppool_request_destroy           its keys, wiped with it
 *   warppool_state_store_create / _create_memory        warppool_state_store_destroy       nothing: clients that use
 *     / _open_file                                                                         the store keep it
 *   warppool_client_create                              warppool_client_destroy            its threads, connections and
 *                                                                                          store; `user_data` of sinks
 *                                                                                          and bearer sources
 *   warppool_client_start / _start_pull                 warppool_stream_destroy            the running request
 *     / _start_turn / _start_turn_pull
 *   warppool_client_ask / _ask_turn                     warppool_answer_destroy            nothing
 *   warppool_conversation_create / _restore             warppool_conversation_destroy      nothing: a request on it
 *                                                                                          keeps it
 *   warppool_conversation_save                          warppool_bytes_destroy             nothing
 *   warppool_conversation_inspect                       warppool_conversation_view_destroy nothing
 *   warppool_conversation_messages                      warppool_message_list_destroy      nothing
 *   warppool_client_access_token                        warppool_access_token_destroy      a secret, wiped with it
 *   warppool_client_pool                                warppool_pool_status_destroy       nothing
 *   warppool_client_explain                             warppool_explanation_destroy       nothing
 *   warppool_client_check_health                        warppool_health_report_destroy     nothing
 *   warppool_client_add_token / _add_bearer_source      warppool_pool_change_destroy       nothing
 *     / _rename_token / _move_token / _reload
 *     / _replace_credential / _replace_bearer_source
 *   warppool_client_statistics                          warppool_stats_destroy             nothing
 *   any function, through `error`; warppool_error_copy  warppool_error_destroy             nothing
 *
 *
 * CALLBACKS
 *
 *   The last parameter of each callback is the `user_data` that was registered with it; the library does not look at
 *   it. Callbacks of one stream never overlap, and all streams of a client share one thread: return promptly. A
 *   callback may call anything but what waits for its own client: warppool_client_ask(), _ask_turn(), _access_token(),
 *   _close(), _destroy() and an active _check_health(), and warppool_stream_next(), return WARPPOOL_MISUSE there. A
 *   client's two sinks are stricter, see warppool_log_sink and warppool_pool_event_sink. No callback runs while the
 *   library holds a lock. A callback must return: no longjmp, no C++ exception. One that ends its thread
 * (pthread_exit(), or an interpreter that shuts down) does no harm but to its client: the thread is parked, requests
 * say WARPPOOL_CANCELLED, and new ones WARPPOOL_MISUSE. A thread of the program's may be cancelled in a call that
 * waits.
 *
 *   What works for the client, bearer sources and state stores, does so in threads of its own and may take its time;
 *   see warppool_bearer_source and warppool_state_store_callbacks. Such a callback returns a warppool_code, and with
 *   any other than WARPPOOL_OK it may say why: that is what its warppool_failure is for. WARPPOOL_END, which is no
 *   failure, and a value that is none of warppool_code are taken for WARPPOOL_INTERNAL.
 */
#ifndef WARPPOOL_H_
#define WARPPOOL_H_

#include <stddef.h>
#include <stdint.h>

/* Defined by whoever builds or uses the shared library; CMake and pkg-config do it. */
#if defined(WARPPOOL_SHARED) && defined(__GNUC__)
#define WARPPOOL_API __attribute__((visibility("default")))
#else
#define WARPPOOL_API
#endif

/* C++ would otherwise leave it undefined what an enumeration holds whose value is not in its list (convention 9). */
#ifdef __cplusplus
#define WARPPOOL_ENUM_TYPE : int
extern "C" {
#else
#define WARPPOOL_ENUM_TYPE
#endif

/* ------------------------------------------------------------------------------------------------------- version -- */

/* The version of this header. */
#define WARPPOOL_VERSION_MAJOR 0
#define WARPPOOL_VERSION_MINOR 1
#define WARPPOOL_VERSION_PATCH 0
#define WARPPOOL_VERSION_STRING "0.1.0"

/** The version of the linked library, "major.minor.patch". Any thread; valid for ever. */
WARPPOOL_API const char* warppool_version(void);

/* --------------------------------------------------------------------------------------------------------- codes -- */

/** What happened. 0 is success. */
typedef enum warppool_code WARPPOOL_ENUM_TYPE {
  WARPPOOL_OK = 0,

  /* What warppool_stream_next() says besides "here is an event". */
  WARPPOOL_TIMEOUT = 1,   /* nothing came in time; the operation goes on, ask again */
  WARPPOOL_END = 2,       /* the answer is complete */
  WARPPOOL_CANCELLED = 3, /* the program cancelled it, or destroyed what it ran on */

  /* The program's doing. */
  WARPPOOL_INVALID_ARGUMENT = 10, /* an argument is out of its range; the message names it */
  WARPPOOL_MISUSE = 11,           /* the call is not allowed here: in a callback, closed client, after a fork */
  WARPPOOL_INVALID_CONFIG = 12,   /* configuration; the message names file and line, variable or field */
  WARPPOOL_NO_TOKENS = 13,        /* the configuration holds no token; the message names the variables to set */
  WARPPOOL_MISCONFIGURED = 14,    /* the service or the network contradicts a setting; the message names it */
  WARPPOOL_OUT_OF_MEMORY = 15,
  WARPPOOL_INTERNAL = 16, /* a defect of the library, or a callback that broke its contract */

  /* The tokens. warppool_error_attempt_count() and what follows it say what happened to each that was tried. */
  WARPPOOL_UNAUTHORIZED = 20,      /* every token that was tried was refused */
  WARPPOOL_QUOTA_EXHAUSTED = 21,   /* the quota of every token tried, or of this account in mid-answer, is used up */
  WARPPOOL_NO_TOKEN_READY = 22,    /* no token can serve: all are disabled, cooling, resting or busy */
  WARPPOOL_ALL_TOKENS_FAILED = 23, /* every token failed, for reasons that differ */

  /* The way to the service, and the service. Later it may work, but for WARPPOOL_REQUEST_REJECTED. */
  WARPPOOL_NETWORK = 30,           /* no connection, connection lost, or silence for longer than the limit */
  WARPPOOL_OVERLOADED = 31,        /* 408, 425, 429 without a word about quota, 5xx but the service's own 500; asked too
                                      often */
  WARPPOOL_SERVER_ERROR = 32,      /* 500 of the service's own */
  WARPPOOL_REQUEST_REJECTED = 33,  /* another 4xx, or the model: the request is at fault, no token would help */
  WARPPOOL_DEADLINE_EXCEEDED = 34, /* the request's own time-out passed */
  WARPPOOL_BLOCKED = 35,           /* a proxy, a firewall or the edge answered in the service's place; the message says
                                      how */

  /* The answer. The place (event, byte) is in the message. */
  WARPPOOL_NOT_A_STREAM = 40,      /* the answer is no event stream */
  WARPPOOL_EMPTY_ANSWER = 41,      /* the answer ended before its first byte */
  WARPPOOL_TRUNCATED = 42,         /* the stream ended in good order, but without its last event */
  WARPPOOL_CONNECTION_LOST = 43,   /* the connection broke in the middle of the stream */
  WARPPOOL_UNDECODABLE_EVENT = 44, /* an event is not base64, or not the message it should be */
  WARPPOOL_LIMIT_EXCEEDED = 45,    /* a limit of the configuration; the message names it */
  WARPPOOL_INVALID_ACTION = 46,    /* the service changes something that the conversation does not have */

  /* The agent finished, but not with "done". What came before is valid. */
  WARPPOOL_MAX_TOKEN_LIMIT = 60,         /* the model's limit for one answer */
  WARPPOOL_CONTEXT_WINDOW_EXCEEDED = 61, /* the conversation is too long for the model */
  WARPPOOL_MODEL_UNAVAILABLE = 62,       /* or too busy; the error may say when it will not be */
  WARPPOOL_AGENT_ERROR = 63,             /* an error inside the service, with its message */
  WARPPOOL_INVALID_MODEL_KEY = 64,       /* a model provider's key that the request brought was refused */
  WARPPOOL_FINISHED_OTHER = 65,          /* "other": the service does not say */
  WARPPOOL_FINISHED_UNKNOWN = 66         /* a reason that this version does not know */
} warppool_code;

/** The code's name in lower case ("quota_exhausted"), for logs. Any value, any thread; valid for ever. */
WARPPOOL_API const char* warppool_code_name(warppool_code code);

/* -------------------------------------------------------------------------------------------------------- errors -- */

/** Everything that is known of a failure. Never changes once it exists. All strings of it are borrowed: valid until it
 *  is destroyed. */
typedef struct warppool_error warppool_error;

/** The code that the function returned. NULL: WARPPOOL_OK. (Only the stand-in of convention 2 may have another one.) */
WARPPOOL_API warppool_code warppool_error_code(const warppool_error* error);

/** One sentence, without the token's name and the code. NULL: "". */
WARPPOOL_API const char* warppool_error_message(const warppool_error* error);

/** The name of the token that it concerns; "": none, or NULL. */
WARPPOOL_API const char* warppool_error_token(const warppool_error* error);

/** The HTTP status that the service answered; 0: it did not, or NULL. */
WARPPOOL_API int32_t warppool_error_http_status(const warppool_error* error);

/** The service's own code, like TOKEN_EXPIRED; "": none, or NULL. */
WARPPOOL_API const char* warppool_error_service_code(const warppool_error* error);

/** What the service wants the user to read; "": nothing, or NULL. */
WARPPOOL_API const char* warppool_error_user_message(const warppool_error* error);

/** 1: the same call may succeed later, unchanged. 0: it would not; or NULL. */
WARPPOOL_API int32_t warppool_error_retryable(const warppool_error* error);

/** When trying again may help, in milliseconds: what the service asks for or, where no token is ready, until the first
 *  one is. -1: not known, or NULL. */
WARPPOOL_API int64_t warppool_error_retry_after_ms(const warppool_error* error);

/** How many attempts it lists: what each token contributed to a failed request, oldest first. NULL: 0. */
WARPPOOL_API size_t warppool_error_attempt_count(const warppool_error* error);

/** The name of the token that made the attempt. Index out of range, or NULL: "". */
WARPPOOL_API const char* warppool_error_attempt_token(const warppool_error* error, size_t index);

/** Why the attempt failed. Index out of range, or NULL: WARPPOOL_OK. */
WARPPOOL_API warppool_code warppool_error_attempt_code(const warppool_error* error, size_t index);

/** Why the attempt failed, as a sentence. Index out of range, or NULL: "". */
WARPPOOL_API const char* warppool_error_attempt_message(const warppool_error* error, size_t index);

/** All of it: "code: message", with the token, the service's words and each attempt on lines of their own. NULL: "". */
WARPPOOL_API const char* warppool_error_to_string(const warppool_error* error);

/**
 * Makes a copy, to keep what a callback was lent.
 *
 * @param error  not NULL.
 * @param copy   out: not NULL; release with warppool_error_destroy().
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_error_copy(const warppool_error* error, warppool_error** copy);

/** Releases an error and sets the variable to NULL. `error` or `*error` may be NULL. */
WARPPOOL_API void warppool_error_destroy(warppool_error** error);

/* ------------------------------------------------------------------------------------------------------- failure -- */

/** Why a callback fails, for the callback to fill in. Lent to it until it returns. */
typedef struct warppool_failure warppool_failure;

/**
 * Says why the callback is about to fail. Without it, only the code is known. Forgotten if it returns WARPPOOL_OK.
 *
 * @param failure  not NULL.
 * @param message  not NULL: one sentence. Errors, the log and pool events repeat it: no credential belongs here.
 * @param error    out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_failure_set_message(warppool_failure* failure, const char* message,
                                                        warppool_error** error);

/* ----------------------------------------------------------------------------------------------------------- log -- */

typedef enum warppool_log_level WARPPOOL_ENUM_TYPE {
  WARPPOOL_LOG_DEBUG = 10,   /* each step of each request */
  WARPPOOL_LOG_INFO = 20,    /* what was loaded, the pool's summary, which token was chosen, refreshes */
  WARPPOOL_LOG_WARNING = 30, /* a token failed or was disabled, configuration that looks wrong but works */
  WARPPOOL_LOG_ERROR = 40    /* all tokens failed */
} warppool_log_level;

/** "DEBUG", "INFO", "WARNING", "ERROR". Any value, any thread; valid for ever. */
WARPPOOL_API const char* warppool_log_level_name(warppool_log_level level);

/**
 * Receives log lines. Called in whichever thread has something to say, the client's own included, and by several at
 * once: it must be thread-safe and return promptly, and must neither call the client that it belongs to nor destroy it
 * or its streams.
 *
 * @param level      how important it is.
 * @param message    one line without a line end; valid during the call only. Tokens appear under their names.
 * @param time_ms    when, in milliseconds since 1970.
 * @param user_data  as registered.
 */
typedef void (*warppool_log_sink)(warppool_log_level level, const char* message, int64_t time_ms, void* user_data);

/* ------------------------------------------------------------------------------------------------- bearer source -- */

/** A bearer, for warppool_supply_callback to fill in. Lent to it until it returns. */
typedef struct warppool_supplied_bearer warppool_supplied_bearer;

/**
 * Says which bearer is to be sent from now on.
 *
 * @param bearer      not NULL.
 * @param value       not NULL, not empty: what follows "Authorization: Bearer ". Copied, and wiped when it is no longer
 *                    used.
 * @param expires_ms  when it ends, in milliseconds since 1970; somewhat before, the next one is asked for, and one
 *                    that has ended is not sent. -1: as its `exp` says, if it is a JWT, but not before 30 s have
 *                    passed, since the issuer's clock may be another; else it serves until it is refused.
 * @param error       out, may be NULL. Never holds the value.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_supplied_bearer_set(warppool_supplied_bearer* bearer, const char* value,
                                                        int64_t expires_ms, warppool_error** error);

/**
 * Supplies a bearer: called when there is none, when the present one is about to end, and after a refusal.
 *
 * @param token      the token's name; valid until the callback returns.
 * @param bearer     to be filled with warppool_supplied_bearer_set(); valid until the callback returns.
 * @param failure    may be filled with warppool_failure_set_message(); valid until the callback returns.
 * @param user_data  as registered.
 *
 * @return WARPPOOL_OK        `bearer` has been filled. If it has not, or has ended already, it is as if the token was
 *                            refused.
 *         WARPPOOL_NETWORK, WARPPOOL_OVERLOADED, WARPPOOL_SERVER_ERROR, WARPPOOL_TIMEOUT (which requests see as
 *         WARPPOOL_NETWORK), WARPPOOL_CANCELLED, WARPPOOL_OUT_OF_MEMORY
 *                            there is none at the moment, and the token is not to blame.
 *         any other          it is as if the token was refused.
 */
typedef warppool_code (*warppool_supply_callback)(const char* token, warppool_supplied_bearer* bearer,
                                                  warppool_failure* failure, void* user_data);

/**
 * Tells that the service refused a bearer (401 or 403). Comes before the next call of `supply`.
 *
 * @param token      the token's name; valid until the callback returns.
 * @param bearer     the refused one; valid until the callback returns. A secret: do not log it.
 * @param code       why.
 * @param error      the same with details, never NULL; valid until the callback returns. See warppool_error_copy().
 * @param user_data  as registered.
 */
typedef void (*warppool_refused_callback)(const char* token, const char* bearer, warppool_code code,
                                          const warppool_error* error, void* user_data);

/**
 * Where the bearers of a token come from that the program manages itself.
 *
 * Both callbacks are called in threads that the client has for this alone: those of one token one at a time, those of
 * different tokens at the same time if need be, so that user_data that they share must be safe for that. They may take
 * their time. Who waits for a bearer goes on to another token after warppool_config_set_refresh_timeout_ms(), and
 * nobody is blamed; what is supplied later is used by the next who asks, and nobody asks again before. A call that
 * hangs holds up no other token, as long as there are fewer than 8 of them; nothing can end it, so that
 * warppool_client_close() and _destroy() wait for it. They may call anything of the client but what waits for a bearer:
 * warppool_client_ask(), _access_token(), _close(), _destroy() and an active _check_health() return WARPPOOL_MISUSE
 * there, and warppool_stream_next() must not wait there.
 */
typedef struct warppool_bearer_source {
  size_t struct_size;                   /* sizeof(warppool_bearer_source) */
  warppool_supply_callback supply;      /* not NULL */
  warppool_refused_callback on_refused; /* default NULL: refusals are not told */
  void* user_data; /* for both; default NULL. Must live until every configuration, and every client,
                      that was given this source is destroyed, copies of configurations included */
} warppool_bearer_source;

#define WARPPOOL_BEARER_SOURCE_INIT \
  { sizeof(warppool_bearer_source), NULL, NULL, NULL }

/* ------------------------------------------------------------------------------------------------- configuration -- */

/** Which tokens are tried first. */
typedef enum warppool_tier WARPPOOL_ENUM_TYPE {
  WARPPOOL_TIER_PERSONAL = 1,
  WARPPOOL_TIER_SHARED = 2,
  WARPPOOL_TIER_ANONYMOUS = 3
} warppool_tier;

/** "PERSONAL", "SHARED", "ANONYMOUS". Any value, any thread; valid for ever. */
WARPPOOL_API const char* warppool_tier_name(warppool_tier tier);

typedef enum warppool_credential_kind WARPPOOL_ENUM_TYPE {
  WARPPOOL_CREDENTIAL_REFRESH_TOKEN = 1, /* exchanged for a short-lived JWT, which is the bearer */
  WARPPOOL_CREDENTIAL_API_KEY = 2,       /* sent as the bearer as it is */
  WARPPOOL_CREDENTIAL_CALLBACK = 3       /* the program supplies the bearer, see warppool_bearer_source */
} warppool_credential_kind;

/** Which token of a tier serves next. */
typedef enum warppool_strategy WARPPOOL_ENUM_TYPE {
  WARPPOOL_STRATEGY_ROUND_ROBIN = 1,    /* all of them in turn */
  WARPPOOL_STRATEGY_FILL_FIRST = 2,     /* the first one that is ready, in the order in which they were added; the
                                           others are its reserve */
  WARPPOOL_STRATEGY_LEAST_IN_FLIGHT = 3 /* the one that serves the fewest requests at the moment; among equals, in
                                           turn */
} warppool_strategy;

/** "round_robin", "fill_first", "least_in_flight". Any value, any thread; valid for ever. */
WARPPOOL_API const char* warppool_strategy_name(warppool_strategy strategy);

/** What a client works with: the tokens, the service's address, limits. There is no way to read a credential back. */
typedef struct warppool_config warppool_config;

/**
 * Makes a configuration with all defaults and no token.
 *
 * @param config  out: not NULL; release with warppool_config_destroy().
 * @param error   out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_config_create(warppool_config** config, warppool_error** error);

/** How to load a configuration. */
typedef struct warppool_config_load_options {
  size_t struct_size;             /* sizeof(warppool_config_load_options) */
  const char* env_file;           /* path of a .env file; default NULL: none. One that does not exist is an error. */
  const char* const* environment; /* "NAME=value" strings, then NULL, instead of the process environment, for tests and
                                     programs that keep their own; default NULL: the process environment */
  warppool_log_sink log;          /* what was loaded from where, and warnings; default NULL: silent */
  void* log_user_data;            /* for `log`; default NULL. Not used after the call. */
} warppool_config_load_options;

#define WARPPOOL_CONFIG_LOAD_OPTIONS_INIT \
  { sizeof(warppool_config_load_options), NULL, NULL, NULL, NULL }

/**
 * Reads the WARP_* variables from the environment and a .env file; the environment wins. The process environment is
 * read, never changed: no other thread may change it meanwhile.
 *
 * @param options  may be NULL: the process environment, no file, no log.
 * @param config   out: not NULL; release with warppool_config_destroy().
 * @param error    out, may be NULL.
 *
 * @return WARPPOOL_OK
 *         WARPPOOL_INVALID_CONFIG    a value or a line is wrong, or the file cannot be read; the message names file and
 *                                    line, or variable and position, never a value.
 *         WARPPOOL_NO_TOKENS         nothing names a token; the message names the variables to set.
 *         WARPPOOL_INVALID_ARGUMENT  `config` is NULL, `options` has a bad size, or an entry of `environment` no "=".
 *         WARPPOOL_OUT_OF_MEMORY
 */
WARPPOOL_API warppool_code warppool_config_load(const warppool_config_load_options* options, warppool_config** config,
                                                warppool_error** error);

/**
 * Makes a copy that can be changed independently.
 *
 * @param config  not NULL.
 * @param copy    out: not NULL; release with warppool_config_destroy().
 * @param error   out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_config_copy(const warppool_config* config, warppool_config** copy,
                                                warppool_error** error);

/**
 * Adds a token. In a tier they stand in the order in which they were added; see warppool_config_set_strategy().
 *
 * @param config      not NULL.
 * @param tier        one of warppool_tier.
 * @param kind        WARPPOOL_CREDENTIAL_REFRESH_TOKEN or WARPPOOL_CREDENTIAL_API_KEY.
 * @param credential  not NULL, not empty: the secret. The copy that is kept is wiped when it is no longer used. One of
 *                    fewer than 8 bytes is no secret: warppool_config_validate() refuses it.
 * @param name        how logs, errors and statistics call it; NULL or "": its tier and a fingerprint,
 *                    like PERSONAL_3fa9c1.
 * @param error       out, may be NULL. Never holds the credential.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_config_add_token(warppool_config* config, warppool_tier tier,
                                                     warppool_credential_kind kind, const char* credential,
                                                     const char* name, warppool_error** error);

/**
 * Adds a token whose bearers the program supplies. Otherwise as warppool_config_add_token(). It has no record in a
 * state store.
 *
 * @param config  not NULL.
 * @param tier    one of warppool_tier.
 * @param name    not NULL, not empty: how logs, errors and statistics call it.
 * @param source  not NULL. Copied, but for what `user_data` points to.
 * @param error   out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_config_add_bearer_source(warppool_config* config, warppool_tier tier,
                                                             const char* name, const warppool_bearer_source* source,
                                                             warppool_error** error);

/**
 * Sets which tiers are used, and in which order.
 *
 * @param config  not NULL.
 * @param tiers   not NULL: `count` different tiers. One that is left out is not used. Default: PERSONAL, SHARED,
 *                ANONYMOUS.
 * @param count   how many; at least 1.
 * @param error   out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_config_set_tier_order(warppool_config* config, const warppool_tier* tiers,
                                                          size_t count, warppool_error** error);

/**
 * Sets which token of a tier serves next.
 *
 * @param config    not NULL.
 * @param strategy  one of warppool_strategy. Default: WARPPOOL_STRATEGY_ROUND_ROBIN.
 * @param error     out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_config_set_strategy(warppool_config* config, warppool_strategy strategy,
                                                        warppool_error** error);

/*
 * Strings. For each function of this group:
 *
 * @param config  not NULL.
 * @param value   not NULL; "" has the meaning that its line tells.
 * @param error   out, may be NULL. Never holds the value.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY. Whether the value makes sense is for
 *         warppool_config_validate() to say.
 */

/** The service; default "https://app.warp.dev"; "" is refused. http:// is accepted for loopback addresses only. */
WARPPOOL_API warppool_code warppool_config_set_server_url(warppool_config* config, const char* value,
                                                          warppool_error** error);
/** Token exchange; default "": the server's URL + "/proxy/token". */
WARPPOOL_API warppool_code warppool_config_set_refresh_url(warppool_config* config, const char* value,
                                                           warppool_error** error);
/** Token exchange that is asked when the one above fails, and its word is not final; default "": Google's, if the URLs
 *  of server and exchange are the default and there is a Firebase API key; else none. */
WARPPOOL_API warppool_code warppool_config_set_securetoken_url(warppool_config* config, const char* value,
                                                               warppool_error** error);
/** The "key" parameter of the token exchange, of 8 bytes or more; default "": sent without one. A secret: the copy that
 * is kept is wiped when it is no longer used. */
WARPPOOL_API warppool_code warppool_config_set_firebase_api_key(warppool_config* config, const char* value,
                                                                warppool_error** error);
/** The header X-Warp-Client-Version; default: that of a known client. */
WARPPOOL_API warppool_code warppool_config_set_client_version(warppool_config* config, const char* value,
                                                              warppool_error** error);
/** Path of a PEM file of trusted authorities; default "": libcurl's. */
WARPPOOL_API warppool_code warppool_config_set_ca_bundle(warppool_config* config, const char* value,
                                                         warppool_error** error);
/** A proxy for all but loopback addresses, [scheme://][user[:password]@]host[:port]; default "": none. Scheme: http
 *  (the default), https, socks4, socks4a, socks5 or socks5h. In user and password @ / ? # are written as %40 %2F %3F
 *  %23. A secret, as above. The process environment is not looked at. */
WARPPOOL_API warppool_code warppool_config_set_proxy(warppool_config* config, const char* value,
                                                     warppool_error** error);
/** Hosts that bypass the proxy, comma-separated, in curl's notation; default "": none. */
WARPPOOL_API warppool_code warppool_config_set_no_proxy(warppool_config* config, const char* value,
                                                        warppool_error** error);

/** Path of a file that keeps what has to outlive the client, see warppool_state_store; default "": nothing is kept. Not
 *  together with a store in warppool_client_options. */
WARPPOOL_API warppool_code warppool_config_set_state_file(warppool_config* config, const char* value,
                                                          warppool_error** error);

/*
 * Numbers. For each function of this group:
 *
 * @param config  not NULL.
 * @param value   in the unit and range that its line tells; never negative. Times may be as long as 24 days.
 * @param error   out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY. Whether a large value makes sense is for
 *         warppool_config_validate() to say.
 *
 * There is no time limit for a whole answer, since an agent may think for minutes; see
 * warppool_request_set_timeout_ms().
 *
 * Wait n of a request before it tries again lasts base delay * 4^(n-1), at most the maximum delay, plus up to 30 %, or
 * what Retry-After asks for if that is longer. Going on with the next token is no wait. When several tokens, or the
 * only one, find the service overloaded, the client remembers that for 0.5, 1, 2, 4, 4 ... s (the first is half of the
 * base delay, if that is less) or what Retry-After asks for: requests that come meanwhile wait, without spending their
 * budget, and one of them tries when the time is over.
 */

/** Failures in a row that disable a token; default 3; 1 or more. A token that is refused, or has a server error, is
 * left alone for 5 s. A failure it has only if another token then serves the same request: after a refusal, one of the
 * same kind. */
WARPPOOL_API warppool_code warppool_config_set_max_failures(warppool_config* config, int32_t value,
                                                            warppool_error** error);
/** Milliseconds that a disabled token is left alone. Then one request at a time may try it, and each try that is a
 *  failure doubles the delay. Default 60000; 0: it comes back by hand only. */
WARPPOOL_API warppool_code warppool_config_set_recovery_delay_ms(warppool_config* config, int32_t value,
                                                                 warppool_error** error);
/** Milliseconds that this delay does not grow beyond; default 3600000; what is below the recovery delay means that. */
WARPPOOL_API warppool_code warppool_config_set_recovery_max_delay_ms(warppool_config* config, int32_t value,
                                                                     warppool_error** error);
/** Requests that one token serves at a time; more of them wait, or go to other tokens; default 0: no limit; up to
 *  1000000. */
WARPPOOL_API warppool_code warppool_config_set_max_in_flight(warppool_config* config, int32_t value,
                                                             warppool_error** error);
/** Milliseconds; default 30000. When no token is ready, a request waits for the first one that will be, if that is
 *  before its own time-out, or for one without a time-out, within this time. Otherwise it fails at once. Without a
 *  time-out this is for all its waits together, those before trying again and for an overloaded service included. */
WARPPOOL_API warppool_code warppool_config_set_max_token_wait_ms(warppool_config* config, int32_t value,
                                                                 warppool_error** error);
/** 1: a JWT that is in use is renewed before it ends, between two requests, and not by the request that finds it old.
 *  0: it is not. Default 1; no other value. */
WARPPOOL_API warppool_code warppool_config_set_background_refresh(warppool_config* config, int32_t value,
                                                                  warppool_error** error);
/** Milliseconds that changes of the counters are gathered before they are written to the state file or store; default
 *  10000; more than 0. Those of health are gathered for 200 ms at most, and what an exchange issued is written at once.
 */
WARPPOOL_API warppool_code warppool_config_set_state_save_interval_ms(warppool_config* config, int32_t value,
                                                                      warppool_error** error);
/** Milliseconds that a call of the state file or store may take; default 5000; more than 0. One that takes longer is
 *  gone on without, and its result taken when it comes. */
WARPPOOL_API warppool_code warppool_config_set_store_timeout_ms(warppool_config* config, int32_t value,
                                                                warppool_error** error);
/** Milliseconds for name look-up, TCP and TLS together; default 10000; more than 0. */
WARPPOOL_API warppool_code warppool_config_set_connect_timeout_ms(warppool_config* config, int32_t value,
                                                                  warppool_error** error);
/** Milliseconds without a byte in either direction, before and in an answer, counted from the last one; default 300000;
 *  more than 0. */
WARPPOOL_API warppool_code warppool_config_set_silence_timeout_ms(warppool_config* config, int32_t value,
                                                                  warppool_error** error);
/** Milliseconds that a request waits for one token exchange at one address, all in all, or for a bearer source; default
 *  30000; more than 0. Then it goes on to another token. The exchange lives on for 2 minutes, since its answer may hold
 *  the only copy of a replaced refresh token, and so does a call of a source: what comes is used by the next who asks.
 */
WARPPOOL_API warppool_code warppool_config_set_refresh_timeout_ms(warppool_config* config, int32_t value,
                                                                  warppool_error** error);
/** Waits in one request before it tries again after a failed attempt; default 3; 0: none. */
WARPPOOL_API warppool_code warppool_config_set_retry_budget(warppool_config* config, int32_t value,
                                                            warppool_error** error);
/** Milliseconds of the first wait; each one lasts four times as long as the one before; default 1000. */
WARPPOOL_API warppool_code warppool_config_set_retry_base_delay_ms(warppool_config* config, int32_t value,
                                                                   warppool_error** error);
/** Milliseconds that no wait grows beyond by itself; default 32000. */
WARPPOOL_API warppool_code warppool_config_set_retry_max_delay_ms(warppool_config* config, int32_t value,
                                                                  warppool_error** error);
/** Milliseconds; default 120000. A service that asks for a longer wait is asked again after this. */
WARPPOOL_API warppool_code warppool_config_set_retry_after_limit_ms(warppool_config* config, int32_t value,
                                                                    warppool_error** error);
/** Milliseconds that a token rests whose quota is used up, when neither the answer nor the quota query says it; default
 *  3600000. */
WARPPOOL_API warppool_code warppool_config_set_quota_cooling_ms(warppool_config* config, int32_t value,
                                                                warppool_error** error);

/*
 * Limits against a service that is broken or means harm. More of it ends the request with WARPPOOL_LIMIT_EXCEEDED.
 */

/** Bytes of one server-sent event as it comes; default 16777216 (16 MiB); 1 KiB to 1 GiB. */
WARPPOOL_API warppool_code warppool_config_set_max_event_bytes(warppool_config* config, size_t value,
                                                               warppool_error** error);
/** Bytes of one message of a conversation, however it came; default 67108864 (64 MiB); 1 KiB to 1 GiB. */
WARPPOOL_API warppool_code warppool_config_set_max_message_bytes(warppool_config* config, size_t value,
                                                                 warppool_error** error);
/** Bytes that reading one event may take beyond 4 times its own: as messages in a conversation, and as events until the
 *  program has taken them. It is reckoned before anything is read. Default 4194304 (4 MiB); 1 MiB to 1 GiB. */
WARPPOOL_API warppool_code warppool_config_set_max_event_memory(warppool_config* config, size_t value,
                                                                warppool_error** error);
/** Messages of one event, with those that lie in others; default 100000; 1 to 10000000. */
WARPPOOL_API warppool_code warppool_config_set_max_event_messages(warppool_config* config, int32_t value,
                                                                  warppool_error** error);
/** Bytes of one answer, all its events together; default 1073741824 (1 GiB); 1 KiB or more. */
WARPPOOL_API warppool_code warppool_config_set_max_answer_bytes(warppool_config* config, size_t value,
                                                                warppool_error** error);
/** Events of one answer; default 10000000; 1 or more. */
WARPPOOL_API warppool_code warppool_config_set_max_stream_events(warppool_config* config, uint64_t value,
                                                                 warppool_error** error);
/** Tasks of one conversation; default 1000; 1 to 1000000. */
WARPPOOL_API warppool_code warppool_config_set_max_tasks(warppool_config* config, int32_t value,
                                                         warppool_error** error);
/** Messages of one conversation, all its tasks together; default 100000; 1 to 10000000. */
WARPPOOL_API warppool_code warppool_config_set_max_messages(warppool_config* config, int32_t value,
                                                            warppool_error** error);
/** Messages in messages of one event; default 100; 10 to 1000. */
WARPPOOL_API warppool_code warppool_config_set_max_nesting_depth(warppool_config* config, int32_t value,
                                                                 warppool_error** error);

/** How many tokens it holds. NULL: 0. */
WARPPOOL_API size_t warppool_config_token_count(const warppool_config* config);

/** The service's URL; valid until `config` is changed or destroyed. NULL: "". */
WARPPOOL_API const char* warppool_config_server_url(const warppool_config* config);

/**
 * Says what is wrong with it. warppool_client_create() does this too.
 *
 * @param config  not NULL.
 * @param error   out, may be NULL: names the field.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_CONFIG, WARPPOOL_NO_TOKENS, WARPPOOL_INVALID_ARGUMENT or
 *         WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_config_validate(const warppool_config* config, warppool_error** error);

/** Releases a configuration, wipes its credentials and sets the variable to NULL. `config` or `*config` may be NULL. */
WARPPOOL_API void warppool_config_destroy(warppool_config** config);

/* ------------------------------------------------------------------------------------------------------- request -- */

/** A tool of the Warp agent, as the service numbers them: those that this version has results for. */
typedef enum warppool_tool WARPPOOL_ENUM_TYPE {
  WARPPOOL_TOOL_RUN_SHELL_COMMAND = 0,
  WARPPOOL_TOOL_SEARCH_CODEBASE = 1,
  WARPPOOL_TOOL_READ_FILES = 2,
  WARPPOOL_TOOL_APPLY_FILE_DIFFS = 3,
  WARPPOOL_TOOL_GREP = 6,
  WARPPOOL_TOOL_FILE_GLOB = 7,
  WARPPOOL_TOOL_READ_MCP_RESOURCE = 8,
  WARPPOOL_TOOL_CALL_MCP_TOOL = 9, /* a function of the program's, see warppool_request_add_mcp_tool() */
  WARPPOOL_TOOL_WRITE_TO_SHELL_COMMAND = 10,
  WARPPOOL_TOOL_SUGGEST_NEW_CONVERSATION = 11,
  WARPPOOL_TOOL_FILE_GLOB_V2 = 12,
  WARPPOOL_TOOL_SUGGEST_PROMPT = 13,
  WARPPOOL_TOOL_READ_SHELL_COMMAND_OUTPUT = 20,
  WARPPOOL_TOOL_ASK_USER_QUESTION = 29
} warppool_tool;

/** As the service's schema calls it ("call_mcp_tool"); "unknown" for any other number. Any thread; valid for ever. */
WARPPOOL_API const char* warppool_tool_name(warppool_tool tool);

/** The number, a warppool_tool, of the tool with that name, as events and pending calls have it: what a tool's result
 * needs, once it is known not to be negative. -1: NULL, or a name that warppool_tool_name() has not. Any thread. */
WARPPOOL_API int32_t warppool_tool_find(const char* name);

/** The service's switches. What is not set is left to the service. */
typedef enum warppool_setting WARPPOOL_ENUM_TYPE {
  WARPPOOL_SETTING_RULES = 2,                       /* the account's rules */
  WARPPOOL_SETTING_WEB_CONTEXT_RETRIEVAL = 3,       /* the agent may look things up by itself */
  WARPPOOL_SETTING_PARALLEL_TOOL_CALLS = 4,         /* several calls in one answer */
  WARPPOOL_SETTING_ANTHROPIC_TEXT_EDITOR_TOOLS = 5, /* file diffs in that style */
  WARPPOOL_SETTING_PLANNING = 6,
  WARPPOOL_SETTING_WARP_DRIVE_CONTEXT = 7,     /* the account's documents */
  WARPPOOL_SETTING_CREATE_FILES = 8,           /* APPLY_FILE_DIFFS may bring new files */
  WARPPOOL_SETTING_LONG_RUNNING_COMMANDS = 10, /* WARPPOOL_SHELL_RUNNING is an answer */
  WARPPOOL_SETTING_PRESERVE_FILE_CONTENT_IN_HISTORY = 11,
  WARPPOOL_SETTING_TODOS_UI = 12, /* to-do lists are shown */
  WARPPOOL_SETTING_LINKED_CODE_BLOCKS = 13,
  WARPPOOL_SETTING_STARTED_CHILD_TASK_MESSAGE = 14,
  WARPPOOL_SETTING_SUGGEST_PROMPT = 15,
  WARPPOOL_SETTING_READ_IMAGE_FILES = 16,  /* READ_FILES may bring images */
  WARPPOOL_SETTING_REASONING_MESSAGE = 17, /* reasoning comes as it is made; on by default */
  WARPPOOL_SETTING_WEB_SEARCH = 21,
  WARPPOOL_SETTING_V4A_FILE_DIFFS = 23,
  WARPPOOL_SETTING_SUMMARIZATION_VIA_REPLACEMENT = 24, /* the service may replace old messages by a summary */
  WARPPOOL_SETTING_BUNDLED_SKILLS = 25,
  WARPPOOL_SETTING_RESEARCH_AGENT = 26,
  WARPPOOL_SETTING_ORCHESTRATION_V2 = 27,
  WARPPOOL_SETTING_BACKGROUND_COMPUTER_USE = 29,
  WARPPOOL_SETTING_ORCHESTRATION_RUNNERS = 31
} warppool_setting;

/** What another model than warppool_request_set_model() is for. */
typedef enum warppool_model_role WARPPOOL_ENUM_TYPE {
  WARPPOOL_MODEL_ROLE_PLANNING = 2,
  WARPPOOL_MODEL_ROLE_CODING = 3,
  WARPPOOL_MODEL_ROLE_CLI_AGENT = 4,
  WARPPOOL_MODEL_ROLE_COMPUTER_USE = 5
} warppool_model_role;

/** Whose key it is that the user brings. */
typedef enum warppool_model_provider WARPPOOL_ENUM_TYPE {
  WARPPOOL_MODEL_PROVIDER_ANTHROPIC = 1,
  WARPPOOL_MODEL_PROVIDER_OPENAI = 2,
  WARPPOOL_MODEL_PROVIDER_GOOGLE = 3,
  WARPPOOL_MODEL_PROVIDER_OPENROUTER = 4,
  WARPPOOL_MODEL_PROVIDER_XAI = 8
} warppool_model_provider;

/** How the agent goes about the query. */
typedef enum warppool_query_mode WARPPOOL_ENUM_TYPE {
  WARPPOOL_QUERY_MODE_NORMAL = 0,
  WARPPOOL_QUERY_MODE_PLAN = 1,
  WARPPOOL_QUERY_MODE_ORCHESTRATE = 2
} warppool_query_mode;

typedef enum warppool_request_kind WARPPOOL_ENUM_TYPE {
  WARPPOOL_REQUEST_INPUTS = 1,   /* the query and the tool results; one of them at least */
  WARPPOOL_REQUEST_RESUME = 2,   /* go on where the last answer broke off; the client does so by itself where it can */
  WARPPOOL_REQUEST_SUMMARIZE = 3 /* replace the conversation's history by a summary; the query says what to keep in
                                    mind, and may be "" */
} warppool_request_kind;

/** What is asked of the agent. Can be sent any number of times; sending copies it. */
typedef struct warppool_request warppool_request;

/**
 * Makes a request with all defaults.
 *
 * @param query    not NULL: the user's words; "" for a request that only brings tool results, resumes or summarizes.
 * @param request  out: not NULL; release with warppool_request_destroy().
 * @param error    out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_request_create(const char* query, warppool_request** request,
                                                   warppool_error** error);

/**
 * Makes a copy that can be changed independently: a request can be the template of many.
 *
 * @param request  not NULL.
 * @param copy     out: not NULL; release with warppool_request_destroy().
 * @param error    out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_request_copy(const warppool_request* request, warppool_request** copy,
                                                 warppool_error** error);

/** Releases a request, wipes the keys in it and sets the variable to NULL. `request` or `*request` may be NULL. */
WARPPOOL_API void warppool_request_destroy(warppool_request** request);

/*
 * For each function of this and the next two sections that changes a request:
 *
 * @param request  not NULL.
 * @param error    out, may be NULL.
 *
 * Every other pointer must not be NULL, unless it is said that it may be. What a request says is looked at as a whole
 * when it is sent: whether strings are UTF-8, names are not empty, JSON is JSON. The error names the place then
 * ("context.files[0].content: not UTF-8 at byte 7").
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY. Any other than WARPPOOL_OK leaves the
 *         request as it was.
 */

/** The user's words. Sending "" is refused unless there are tool results, or it resumes or summarizes. */
WARPPOOL_API warppool_code warppool_request_set_query(warppool_request* request, const char* value,
                                                      warppool_error** error);
/** Default WARPPOOL_REQUEST_INPUTS. */
WARPPOOL_API warppool_code warppool_request_set_kind(warppool_request* request, warppool_request_kind value,
                                                     warppool_error** error);
/** Default WARPPOOL_QUERY_MODE_NORMAL. */
WARPPOOL_API warppool_code warppool_request_set_mode(warppool_request* request, warppool_query_mode value,
                                                     warppool_error** error);
/** Instructions that stand above the query, and are sent with one only; default "": none. */
WARPPOOL_API warppool_code warppool_request_set_system_prompt(warppool_request* request, const char* value,
                                                              warppool_error** error);

/** A model id of the service; default "auto". */
WARPPOOL_API warppool_code warppool_request_set_model(warppool_request* request, const char* value,
                                                      warppool_error** error);
/** Another model for this role. `model` may be NULL: the service's again, the default. */
WARPPOOL_API warppool_code warppool_request_set_role_model(warppool_request* request, warppool_model_role role,
                                                           const char* model, warppool_error** error);
/** Tokens that the model may have before it; default 0: the service's limit. */
WARPPOOL_API warppool_code warppool_request_set_context_window_limit(warppool_request* request, uint32_t value,
                                                                     warppool_error** error);
/** Switches a setting on (1), off (0), or leaves it to the service (-1). Default -1, but for REASONING_MESSAGE: 1. */
WARPPOOL_API warppool_code warppool_request_set_setting(warppool_request* request, warppool_setting setting,
                                                        int32_t value, warppool_error** error);

/** The user's own key at a model provider. It travels to the service with the request, and is in no error and no log.
 *  `key` may be NULL: none, the default. */
WARPPOOL_API warppool_code warppool_request_set_model_key(warppool_request* request, warppool_model_provider provider,
                                                          const char* key, warppool_error** error);
/** The same for Amazon's cloud. `session_token` and `region` may be NULL. "" for all: none, the default. */
WARPPOOL_API warppool_code warppool_request_set_aws_credentials(warppool_request* request, const char* access_key,
                                                                const char* secret_key, const char* session_token,
                                                                const char* region, warppool_error** error);
/** The same for Google's cloud; default "": none. */
WARPPOOL_API warppool_code warppool_request_set_google_cloud_access_token(warppool_request* request, const char* value,
                                                                          warppool_error** error);
/** 1: the account's credits may be used where a key does not do. 0: they may not. Default 0; no other value. */
WARPPOOL_API warppool_code warppool_request_set_allow_warp_credits(warppool_request* request, int32_t value,
                                                                   warppool_error** error);

/** Metadata for the service's own log. Default: "entrypoint" is "USER_INITIATED", and nothing else. The value of a key
 *  that is there already is replaced, of whatever kind it is. `value` may be NULL: the entry is removed. */
WARPPOOL_API warppool_code warppool_request_set_logging(warppool_request* request, const char* key, const char* value,
                                                        warppool_error** error);
/** The same with a boolean: 0 or 1. */
WARPPOOL_API warppool_code warppool_request_set_logging_bool(warppool_request* request, const char* key, int32_t value,
                                                             warppool_error** error);
/** The same with a number, which must be finite. */
WARPPOOL_API warppool_code warppool_request_set_logging_number(warppool_request* request, const char* key, double value,
                                                               warppool_error** error);

/** Milliseconds from sending to the last event, waits and other tokens included, then WARPPOOL_DEADLINE_EXCEEDED;
 *  default 0: no limit; never negative. */
WARPPOOL_API warppool_code warppool_request_set_timeout_ms(warppool_request* request, int32_t value,
                                                           warppool_error** error);
/** 1: it waits for a token when none is ready, see warppool_config_set_max_token_wait_ms(). 0: it fails at once, with
 *  WARPPOOL_NO_TOKEN_READY; before trying again, and for an overloaded service, it waits all the same. Default 1; no
 *  other value. */
WARPPOOL_API warppool_code warppool_request_set_wait_for_token(warppool_request* request, int32_t value,
                                                               warppool_error** error);

/** Only tokens of these tiers may serve the request: `count` tiers, at least 1; copied. Default: all tiers; a copy of
 *  the request keeps what is set. No other token is ever sent any of it, in no failover, no wait and no try of a
 *  disabled token, and also not when the answer is resumed: when none that may serve can, the request waits for one or
 *  fails, and the error says that it was restricted. A conversation's request brings the whole history along, so each
 *  request of one that is private needs this; if the conversation's own token may not serve, it moves to one that may
 *  (WARPPOOL_EVENT_CONVERSATION_MOVED).
 *  The order means nothing: that of warppool_config_set_tier_order() stays. Neither does a repetition. A call replaces
 *  what the one before set. A token's tier is the one that it is in when it is chosen: one that is moved meanwhile is
 *  judged by its new tier, and one that is added may serve.
 *  Whether there are such tokens is for the call that sends the request to say: WARPPOOL_INVALID_ARGUMENT if none of
 *  the client's may serve ("tiers: SHARED has no token, ANONYMOUS is not in tier_order"). One tier that has no token is
 *  no error while another one has. */
WARPPOOL_API warppool_code warppool_request_set_tiers(warppool_request* request, const warppool_tier* tiers,
                                                      size_t count, warppool_error** error);
/** Only tokens with a name that was added by this call may serve the request, as above; with tiers as well a token must
 *  satisfy both. Default: no name was added, and all may serve. A copy of the request keeps the names; no call takes
 * one back. `name`: see warppool_pool_status_token(); copied. A repetition means nothing. The call that sends the
 * request looks the names up: WARPPOOL_INVALID_ARGUMENT if a token is not there ("tokens[1]: no token is called
 * "work""). From then on that very token may serve, also when it is renamed or gets another credential; one that is
 * removed cannot serve any more, and no other one inherits its name's permission. */
WARPPOOL_API warppool_code warppool_request_add_token(warppool_request* request, const char* name,
                                                      warppool_error** error);

/** Instead of all of a request but its time-out, who may serve it and whether it waits for a token: `length` bytes of a
 *  serialized Request of the service's, sent as they are. Nothing of the answer is interpreted but where it begins and
 *  how it ends; what is between comes as WARPPOOL_EVENT_RAW. It belongs to no conversation, and is not resumed. `bytes`
 *  may be NULL if `length` is 0: none, the default. */
WARPPOOL_API warppool_code warppool_request_set_raw(warppool_request* request, const uint8_t* bytes, size_t length,
                                                    warppool_error** error);
/** 1: each event of the stream is told as it came, too, beside what it means. Default 0; no other value. */
WARPPOOL_API warppool_code warppool_request_set_raw_events(warppool_request* request, int32_t value,
                                                           warppool_error** error);

/* ------------------------------------------------------------------------------------------- a request's context -- */

/** Where the user is. What is NULL or "" is not told. */
typedef struct warppool_context {
  size_t struct_size;    /* sizeof(warppool_context) */
  const char* directory; /* default NULL, as all texts */
  const char* home;
  const char* platform;     /* "Linux", "MacOS" */
  const char* distribution; /* "Debian GNU/Linux" */
  const char* shell;        /* "bash" */
  const char* shell_version;
  int64_t current_time_ms; /* milliseconds since 1970, up to 2262; default -1, which 0 means too: it is not told */
  const char* git_head;    /* a commit */
  const char* git_branch;
  const char* git_repository; /* its name */
  const char* git_owner;
  const char* git_host; /* "github.com" */
} warppool_context;

#define WARPPOOL_CONTEXT_INIT \
  { sizeof(warppool_context), NULL, NULL, NULL, NULL, NULL, NULL, -1, NULL, NULL, NULL, NULL, NULL }

/** A file's text, or some lines of it. */
typedef struct warppool_file_text {
  size_t struct_size;  /* sizeof(warppool_file_text) */
  const char* path;    /* not NULL, not "" */
  const char* content; /* default NULL: the file is empty */
  uint32_t first_line; /* counted from 1; default 0: the whole file */
  uint32_t last_line;  /* of lines: the last one that is in `content`; default 0 */
} warppool_file_text;

#define WARPPOOL_FILE_TEXT_INIT \
  { sizeof(warppool_file_text), NULL, NULL, 0, 0 }

/** A command that the user ran. */
typedef struct warppool_shell_command {
  size_t struct_size;     /* sizeof(warppool_shell_command) */
  const char* command;    /* not NULL, not "" */
  const char* output;     /* default NULL: none */
  const char* command_id; /* the program's own; default NULL: none */
  int64_t started_ms;     /* milliseconds since 1970, up to 2262; default -1, which 0 means too: it is not told */
  int64_t finished_ms;    /* the same */
  int32_t exit_code;      /* default 0 */
} warppool_shell_command;

#define WARPPOOL_SHELL_COMMAND_INIT \
  { sizeof(warppool_shell_command), NULL, NULL, NULL, -1, -1, 0 }

/** Sets all of where the user is at once. What the next functions add stays. */
WARPPOOL_API warppool_code warppool_request_set_context(warppool_request* request, const warppool_context* context,
                                                        warppool_error** error);
/** A codebase that the agent may search. `path` may be NULL. */
WARPPOOL_API warppool_code warppool_request_add_codebase(warppool_request* request, const char* name, const char* path,
                                                         warppool_error** error);
/** What the user selected. */
WARPPOOL_API warppool_code warppool_request_add_selected_text(warppool_request* request, const char* text,
                                                              warppool_error** error);
/** A file that the agent is shown. */
WARPPOOL_API warppool_code warppool_request_add_file(warppool_request* request, const warppool_file_text* file,
                                                     warppool_error** error);
/** An image: the `length` bytes of its file, at least one, and what it is ("image/png"). */
WARPPOOL_API warppool_code warppool_request_add_image(warppool_request* request, const uint8_t* data, size_t length,
                                                      const char* mime_type, warppool_error** error);
/** A command that the user ran. */
WARPPOOL_API warppool_code warppool_request_add_shell_command(warppool_request* request,
                                                              const warppool_shell_command* command,
                                                              warppool_error** error);
/** Begins the rules of a project, for agents that work below this directory. */
WARPPOOL_API warppool_code warppool_request_add_project_rules(warppool_request* request, const char* root_path,
                                                              warppool_error** error);
/** A file of the rules that were begun last. WARPPOOL_MISUSE: none were. */
WARPPOOL_API warppool_code warppool_request_add_rules_file(warppool_request* request, const warppool_file_text* file,
                                                           warppool_error** error);
/** A further file of them that the agent may ask for. WARPPOOL_MISUSE: as above. */
WARPPOOL_API warppool_code warppool_request_add_rules_path(warppool_request* request, const char* path,
                                                           warppool_error** error);
/** Takes back all that this section set and added, but for attachments. */
WARPPOOL_API warppool_code warppool_request_clear_context(warppool_request* request, warppool_error** error);

/*
 * Attachments are what the query refers to by a name. One of the same name is replaced. "SYSTEM_PROMPT" is taken.
 */

/** Attaches a text. */
WARPPOOL_API warppool_code warppool_request_attach_text(warppool_request* request, const char* name, const char* text,
                                                        warppool_error** error);
/** Attaches a command that the user ran. */
WARPPOOL_API warppool_code warppool_request_attach_shell_command(warppool_request* request, const char* name,
                                                                 const warppool_shell_command* command,
                                                                 warppool_error** error);
/** Attaches a document of the account's by its id. `content` may be NULL: "". */
WARPPOOL_API warppool_code warppool_request_attach_document(warppool_request* request, const char* name, const char* id,
                                                            const char* content, warppool_error** error);
/** Attaches a file that the agent may ask to read. */
WARPPOOL_API warppool_code warppool_request_attach_file(warppool_request* request, const char* name, const char* path,
                                                        warppool_error** error);
/** Takes an attachment back. Nothing happens if there is none of this name. */
WARPPOOL_API warppool_code warppool_request_detach(warppool_request* request, const char* name, warppool_error** error);

/* --------------------------------------------------------------------------------------------- a request's tools -- */

/** Sets what the agent may ask the program to run: `count` tools, at least 1, since none would mean "any" to the
 *  service. Default: WARPPOOL_TOOL_CALL_MCP_TOOL alone, right for a program without a terminal. */
WARPPOOL_API warppool_code warppool_request_set_allowed_tools(warppool_request* request, const warppool_tool* tools,
                                                              size_t count, warppool_error** error);

/*
 * Functions of the program come from servers, in the terms of the Model Context Protocol. Nothing is connected to: the
 * agent sees names and descriptions, and asks for a call with the server's id.
 */

/** A server. `description` may be NULL; `id`, which comes back with each call, may be NULL: the name. */
WARPPOOL_API warppool_code warppool_request_add_mcp_server(warppool_request* request, const char* name,
                                                           const char* description, const char* id,
                                                           warppool_error** error);
/** A function of the server that was added last. `description` may be NULL; `input_schema`, a JSON Schema of an object,
 *  may be NULL: no arguments. WARPPOOL_MISUSE: there is no server. */
WARPPOOL_API warppool_code warppool_request_add_mcp_tool(warppool_request* request, const char* name,
                                                         const char* description, const char* input_schema,
                                                         warppool_error** error);
/** A resource of the server that was added last. All texts but `uri` may be NULL. WARPPOOL_MISUSE: there is no
 *  server. */
WARPPOOL_API warppool_code warppool_request_add_mcp_resource(warppool_request* request, const char* uri,
                                                             const char* name, const char* description,
                                                             const char* mime_type, warppool_error** error);

/*
 * Results are what the tools brought that the last answer called; `call_id` is the call's id, and has one result. That
 * a tool does not have such a result is found when the request is sent. What adds to a result adds to the one that was
 * added last; WARPPOOL_MISUSE: there is none, or it is of another kind.
 */

/** The result of a function of the program's. `text` may be NULL: it has no part yet. */
WARPPOOL_API warppool_code warppool_request_add_tool_result_text(warppool_request* request, const char* call_id,
                                                                 const char* text, warppool_error** error);
/** Begins the result of WARPPOOL_TOOL_READ_MCP_RESOURCE. */
WARPPOOL_API warppool_code warppool_request_add_tool_result_resources(warppool_request* request, const char* call_id,
                                                                      warppool_error** error);
/** One more text of a function's result. */
WARPPOOL_API warppool_code warppool_request_add_result_text(warppool_request* request, const char* text,
                                                            warppool_error** error);
/** An image in a function's result: the `length` bytes of its file, at least one, and what it is ("image/png"). */
WARPPOOL_API warppool_code warppool_request_add_result_image(warppool_request* request, const uint8_t* data,
                                                             size_t length, const char* mime_type,
                                                             warppool_error** error);
/** A resource in a function's result, or in one of resources: `length` bytes, which are UTF-8 unless `is_binary` is 1.
 *  `data` may be NULL if `length` is 0; `mime_type` may be NULL. */
WARPPOOL_API warppool_code warppool_request_add_result_resource(warppool_request* request, const char* uri,
                                                                const uint8_t* data, size_t length,
                                                                const char* mime_type, int32_t is_binary,
                                                                warppool_error** error);

/** Begins the result of WARPPOOL_TOOL_READ_FILES or WARPPOOL_TOOL_SEARCH_CODEBASE. */
WARPPOOL_API warppool_code warppool_request_add_tool_result_files(warppool_request* request, const char* call_id,
                                                                  warppool_tool tool, warppool_error** error);
/** A file in a result of files. */
WARPPOOL_API warppool_code warppool_request_add_result_file(warppool_request* request, const warppool_file_text* file,
                                                            warppool_error** error);
/** A file that could not be read, in a result of WARPPOOL_TOOL_READ_FILES. `message` may be NULL. */
WARPPOOL_API warppool_code warppool_request_add_result_failure(warppool_request* request, const char* path,
                                                               const char* message, warppool_error** error);

typedef enum warppool_shell_state WARPPOOL_ENUM_TYPE {
  WARPPOOL_SHELL_FINISHED = 1, /* the command has ended */
  WARPPOOL_SHELL_RUNNING = 2,  /* it still runs; later calls come with its `command_id`, which must not be "" */
  WARPPOOL_SHELL_DENIED = 3    /* RUN_SHELL_COMMAND: the program does not run such a command */
} warppool_shell_state;

/** What became of a shell command that the agent asked for. */
typedef struct warppool_shell_result {
  size_t struct_size;         /* sizeof(warppool_shell_result) */
  warppool_shell_state state; /* default, which 0 means too: WARPPOOL_SHELL_FINISHED */
  int32_t exit_code;          /* FINISHED; default 0 */
  const char* command;        /* default NULL: "", as all texts */
  const char* output;         /* FINISHED; RUNNING: what its terminal shows now */
  const char* command_id;     /* FINISHED, RUNNING: the program's own, for later calls */
} warppool_shell_result;

#define WARPPOOL_SHELL_RESULT_INIT \
  { sizeof(warppool_shell_result), WARPPOOL_SHELL_FINISHED, 0, NULL, NULL, NULL }

/** The result of WARPPOOL_TOOL_RUN_SHELL_COMMAND, _WRITE_TO_SHELL_COMMAND or _READ_SHELL_COMMAND_OUTPUT. */
WARPPOOL_API warppool_code warppool_request_add_tool_result_shell(warppool_request* request, const char* call_id,
                                                                  warppool_tool tool,
                                                                  const warppool_shell_result* result,
                                                                  warppool_error** error);
/** The tool failed, in words that the agent reads. Shell commands and suggestions do not have it. */
WARPPOOL_API warppool_code warppool_request_add_tool_result_error(warppool_request* request, const char* call_id,
                                                                  warppool_tool tool, const char* message,
                                                                  warppool_error** error);
/** The result of any tool: the tool's message of proto/warppool/wire/result.proto in protobuf's JSON mapping. A name
 *  that the schema does not have is refused when it is sent, and so is a date before 1970 or after 2261. */
WARPPOOL_API warppool_code warppool_request_add_tool_result_json(warppool_request* request, const char* call_id,
                                                                 warppool_tool tool, const char* json,
                                                                 warppool_error** error);
/** Takes back all results: the request can bring the next ones. */
WARPPOOL_API warppool_code warppool_request_clear_tool_results(warppool_request* request, warppool_error** error);

/* --------------------------------------------------------------------------------------------------------- usage -- */

/** What a request cost, as far as the service says. 0: it does not. */
typedef struct warppool_usage {
  size_t struct_size; /* in: sizeof(warppool_usage) */
  uint64_t input_tokens;
  uint64_t output_tokens;
  uint64_t cache_read_tokens;
  uint64_t cache_write_tokens;
  double cost_in_cents;
  double credits;
  double context_window_usage; /* 0 to 1 */
} warppool_usage;

#define WARPPOOL_USAGE_INIT \
  { sizeof(warppool_usage), 0, 0, 0, 0, 0, 0, 0 }

/* ---------------------------------------------------------------------------------------------------- pool event -- */

/** What happened to a token, or to all of a tier, and so which of the functions below have something to say about it,
 *  besides time_ms. */
typedef enum warppool_pool_event_kind WARPPOOL_ENUM_TYPE {
  WARPPOOL_POOL_EVENT_NONE = 0,            /* there is no event (NULL) */
  WARPPOOL_POOL_EVENT_LOADED = 10,         /* the client was made with it, or it was added: token, tier, reason */
  WARPPOOL_POOL_EVENT_CHOSEN = 20,         /* a request, or a call for a bearer, got it: token, tier, reason */
  WARPPOOL_POOL_EVENT_ATTEMPT_FAILED = 30, /* an attempt with it failed, whoever was to blame:
                                      token, tier, code, reason */
  WARPPOOL_POOL_EVENT_FAILURE = 40,        /* it is blamed for a failure: token, tier, code, reason, failures */
  WARPPOOL_POOL_EVENT_DISABLED = 50,  /* too many failures, refused for good, or the probe of a half-open one became a
                                         failure:
                                         token, tier, code, reason, failures, until_ms (when it may be tried) */
  WARPPOOL_POOL_EVENT_COOLING = 60,   /* its quota is used up: token, tier, code, reason, until_ms */
  WARPPOOL_POOL_EVENT_RECOVERED = 70, /* ready again, or its failures are forgotten; the reason says how:
                                         token, tier, reason */
  WARPPOOL_POOL_EVENT_REFRESHED = 80, /* a JWT was issued for it: token, tier, reason, until_ms (its end) */
  WARPPOOL_POOL_EVENT_ROTATED = 90,   /* the service replaced its refresh token: token, tier, reason */
  WARPPOOL_POOL_EVENT_SAME_ACCOUNT = 100,   /* it belongs to the same account as an earlier token, and they share one
                                               quota: token, tier, reason (which names the other) */
  WARPPOOL_POOL_EVENT_TIER_EXHAUSTED = 110, /* no token of the tier is ready any more. Of the last one that was:
                                               token, tier, code, reason, until_ms */
  WARPPOOL_POOL_EVENT_POOL_EXHAUSTED = 120, /* no token at all is ready any more; the same */
  WARPPOOL_POOL_EVENT_REMOVED = 130,        /* no request gets it any more: token, tier, reason */
  WARPPOOL_POOL_EVENT_CHANGED = 140,     /* it was renamed or moved, or got another credential: token, tier, reason */
  WARPPOOL_POOL_EVENT_RESTORED = 150,    /* what a store knew of it was taken over: token, tier, reason */
  WARPPOOL_POOL_EVENT_STORE_FAILED = 160 /* the store cannot be read or written, or a record of it is damaged: code,
                                            reason; token and tier, if it concerns one */
} warppool_pool_event_kind;

/** "loaded", "tier exhausted", ... Any value, any thread; valid for ever. */
WARPPOOL_API const char* warppool_pool_event_kind_name(warppool_pool_event_kind kind);

/*
 * Pool events are always borrowed, and so is everything in them: until the sink returns. Asked for what its kind does
 * not have, or with NULL, each of these functions returns the value that its comment names.
 */
typedef struct warppool_pool_event warppool_pool_event;

/** NULL: WARPPOOL_POOL_EVENT_NONE. */
WARPPOOL_API warppool_pool_event_kind warppool_pool_event_get_kind(const warppool_pool_event* event);

/** The token's name; STORE_FAILED: "" if it concerns none. NULL: "". */
WARPPOOL_API const char* warppool_pool_event_token(const warppool_pool_event* event);

/** The token's tier; any, if it concerns no token. NULL: 0, which is none of warppool_tier. */
WARPPOOL_API warppool_tier warppool_pool_event_tier(const warppool_pool_event* event);

/** Why, of what is a failure: ATTEMPT_FAILED, FAILURE, DISABLED, COOLING, the two EXHAUSTED, and STORE_FAILED. Else
 * WARPPOOL_OK.
 */
WARPPOOL_API warppool_code warppool_pool_event_code(const warppool_pool_event* event);

/** Why, or how that came, as a sentence. "": there is nothing to say, or NULL. */
WARPPOOL_API const char* warppool_pool_event_reason(const warppool_pool_event* event);

/** The failures in a row that count against it by then: ATTEMPT_FAILED, FAILURE, DISABLED. Else 0. */
WARPPOOL_API int32_t warppool_pool_event_failures(const warppool_pool_event* event);

/** Until when it holds, in milliseconds since 1970; -1: nobody knows, its kind has no end, or NULL. */
WARPPOOL_API int64_t warppool_pool_event_until_ms(const warppool_pool_event* event);

/** When it happened, in milliseconds since 1970. NULL: -1. */
WARPPOOL_API int64_t warppool_pool_event_time_ms(const warppool_pool_event* event);

/**
 * Receives what happens to a client's tokens. Called in whichever thread it happens in, the client's own included, and
 * by several at once: it must be thread-safe and return promptly, and must not call the client that it belongs to. The
 * first calls come before warppool_client_create() has returned. Events of different threads may come in another order
 * than they happened. One that there is no memory for is dropped.
 *
 * @param event      valid until the sink returns.
 * @param user_data  as registered.
 */
typedef void (*warppool_pool_event_sink)(const warppool_pool_event* event, void* user_data);

/* --------------------------------------------------------------------------------------------------- state store -- */

/*
 * Where clients keep what has to outlive them: refresh tokens that the service replaced, JWTs, the tokens' health, and
 * their counters. Without a store all of it is in memory, and ends with the client. Put it into
 * warppool_client_options; a client of its own file needs warppool_config_set_state_file() only.
 *
 * A store never sees a secret. Every record is sealed before it comes there: AES-256-GCM, under a key that HKDF-SHA256
 * derives from the credential in the configuration, so that a store is worthless without that. A store needs to keep
 * bytes, nothing more. Tokens whose bearers the program supplies have no credential to seal with, and are not kept.
 */

/** A store; any number of clients may share it. */
typedef struct warppool_state_store warppool_state_store;

/**
 * Opens a store in a file, which is made, with mode 0600, when there is something to keep. Beside it lies a lock file
 * of the same name and ".lock". Several clients and several processes of one machine may share it.
 *
 * Each write replaces the file as a whole: a process or a machine that stops at any moment leaves the old content or
 * the new one. A file that is there is replaced once by itself when it is opened, to see that it can be. A file that is
 * removed takes its records along; the lock file must stay as long as somebody uses it.
 *
 * @param path           not NULL, not empty.
 * @param log            may be NULL. Hears of damaged lines, which are kept in the file as they are, and of nothing
 *                       else. Called in threads of the clients that use the store.
 * @param log_user_data  for `log`. Must live until the store, the clients that use it, and their streams are destroyed.
 * @param store          out: not NULL; release with warppool_state_store_destroy().
 * @param error          out, may be NULL.
 *
 * @return WARPPOOL_OK
 *         WARPPOOL_INVALID_CONFIG    there is something else in its place, it belongs to another user, others may read
 *                                    it, it cannot be replaced (being mounted by itself, as a single file, for one), or
 *                                    it or its directory cannot be used; the message says which.
 *         WARPPOOL_INVALID_ARGUMENT
 *         WARPPOOL_OUT_OF_MEMORY
 */
WARPPOOL_API warppool_code warppool_state_store_open_file(const char* path, warppool_log_sink log, void* log_user_data,
                                                          warppool_state_store** store, warppool_error** error);

/**
 * Makes a store in memory, for clients of one process that share it or follow one another.
 *
 * @param store  out: not NULL; release with warppool_state_store_destroy().
 * @param error  out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_state_store_create_memory(warppool_state_store** store, warppool_error** error);

/** A record's value, for warppool_read_callback to fill in. Lent to it until it returns. */
typedef struct warppool_state_value warppool_state_value;

/**
 * Says what the record holds. Without it there is no record.
 *
 * @param value   not NULL.
 * @param bytes   any bytes, copied; not NULL, unless `length` is 0.
 * @param length  how many.
 * @param error   out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_state_value_set(warppool_state_value* value, const uint8_t* bytes, size_t length,
                                                    warppool_error** error);

/** One record, and what becomes of it. */
typedef struct warppool_state_change {
  const char* key;       /* letters, digits, "." and "-"; at most 200 of them */
  const uint8_t* value;  /* any bytes, no NUL at the end. NULL: the record goes */
  size_t length;         /* how many; 0 if the record goes */
  const uint8_t* before; /* for warppool_commit_callback: its value when it was read. NULL: there was no record */
  size_t before_length;  /* how many bytes; 0 if there was no record */
} warppool_state_change;

/** What the changes have to survive, once they are made. */
typedef enum warppool_state_durability {
  WARPPOOL_STATE_POWER_LOSS = 0, /* the end of the process, and a loss of power */
  WARPPOOL_STATE_PROCESS = 1     /* the end of the process */
} warppool_state_durability;

/**
 * Reads the record under `key`.
 *
 * @param key        as in warppool_state_change; valid until the callback returns.
 * @param value      to be filled with warppool_state_value_set(), unless there is no such record; valid until the
 *                   callback returns.
 * @param failure    may be filled with warppool_failure_set_message(); valid until the callback returns.
 * @param user_data  as registered.
 *
 * @return WARPPOOL_OK, with a record or without. Any other: it failed.
 */
typedef warppool_code (*warppool_read_callback)(const char* key, warppool_state_value* value, warppool_failure* failure,
                                                void* user_data);

/**
 * Makes all of the changes, in their order, or none of them; their `before` does not count.
 *
 * @param changes     `count` of them; valid until the callback returns.
 * @param count       how many.
 * @param durability  one of warppool_state_durability.
 * @param failure     may be filled with warppool_failure_set_message(); valid until the callback returns.
 * @param user_data   as registered.
 *
 * @return WARPPOOL_OK: they are kept. Any other: it failed. It may have made them all the same.
 */
typedef warppool_code (*warppool_write_callback)(const warppool_state_change* changes, size_t count, int32_t durability,
                                                 warppool_failure* failure, void* user_data);

/**
 * Makes all of the changes if each of these records is as it was `before`, and none of them if one is not: in one step,
 * whoever else shares the records (a transaction, a script, a lock). A value that came and went does not come again, so
 * that it is enough to compare bytes.
 *
 * @param changes     `count` of them; valid until the callback returns.
 * @param count       how many.
 * @param durability  one of warppool_state_durability.
 * @param committed   out: 0 when the callback is called, to be set to 1 if the changes are made. Left 0, a record was
 *                    not as it was `before`.
 * @param failure     may be filled with warppool_failure_set_message(); valid until the callback returns.
 * @param user_data   as registered.
 *
 * @return WARPPOOL_OK: `*committed` says whether they are made. Any other: it failed. It may have made them all the
 * same.
 */
typedef warppool_code (*warppool_commit_callback)(const warppool_state_change* changes, size_t count,
                                                  int32_t durability, int32_t* committed, warppool_failure* failure,
                                                  void* user_data);

/** Nobody uses the store any more, and no callback of it runs, or will. In whichever thread was the last to use it. */
typedef void (*warppool_destroy_callback)(void* user_data);

/**
 * A store that the program implements.
 *
 * It is called from one thread of each client that uses it, the client's own, by none of them twice at the same time.
 * It may take its time: what takes longer than warppool_config_set_store_timeout_ms() says is gone on without, also
 * while a client is created, and its result taken when it comes. It must not call a client that uses it.
 */
typedef struct warppool_state_store_callbacks {
  size_t struct_size;                /* sizeof(warppool_state_store_callbacks) */
  warppool_read_callback read;       /* not NULL */
  warppool_write_callback write;     /* not NULL */
  warppool_commit_callback commit;   /* default NULL: the library reads, compares and writes, and no other client of
                                        this process comes between; no other process may use the records then */
  warppool_destroy_callback destroy; /* default NULL: nobody is told */
  void* user_data;                   /* for all of them; default NULL. Must live until `destroy` is called: until the
                                        store, the clients that use it, and their streams are destroyed */
} warppool_state_store_callbacks;

#define WARPPOOL_STATE_STORE_CALLBACKS_INIT \
  { sizeof(warppool_state_store_callbacks), NULL, NULL, NULL, NULL, NULL }

/**
 * Makes a store of the program's own.
 *
 * @param callbacks  not NULL. Copied, but for what `user_data` points to.
 * @param store      out: not NULL; release with warppool_state_store_destroy().
 * @param error      out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY. With any other than WARPPOOL_OK no callback
 *         is called, `destroy` included.
 */
WARPPOOL_API warppool_code warppool_state_store_create(const warppool_state_store_callbacks* callbacks,
                                                       warppool_state_store** store, warppool_error** error);

/** Releases a store and sets the variable to NULL. Clients that use it keep it. `store` or `*store` may be NULL. */
WARPPOOL_API void warppool_state_store_destroy(warppool_state_store** store);

/* -------------------------------------------------------------------------------------------------------- client -- */

/** A pool of tokens and one way to use them, with a thread and connections of its own; nothing is shared between
 *  clients. Any thread, several at once, but for warppool_client_destroy(). */
typedef struct warppool_client warppool_client;

typedef struct warppool_stream warppool_stream;
typedef struct warppool_event warppool_event;
typedef struct warppool_answer warppool_answer;
typedef struct warppool_access_token warppool_access_token;
typedef struct warppool_pool_status warppool_pool_status;
typedef struct warppool_explanation warppool_explanation;
typedef struct warppool_health_report warppool_health_report;
typedef struct warppool_pool_change warppool_pool_change;
typedef struct warppool_stats warppool_stats;

/** What a client needs besides its configuration. */
typedef struct warppool_client_options {
  size_t struct_size;                  /* sizeof(warppool_client_options) */
  warppool_log_sink log;               /* default NULL: silent, and then no line is even formatted */
  void* log_user_data;                 /* for `log`; default NULL. Must live until the client is destroyed. */
  warppool_pool_event_sink pool_event; /* default NULL: nobody is told */
  void* pool_event_user_data;          /* for `pool_event`; default NULL. Must live until the client is destroyed. */
  const warppool_state_store* store;   /* where to keep what outlives the client; default NULL: in the configuration's
                                          state file, if it has one, else nowhere. Not both. The client keeps the store:
                                          the handle may be destroyed right afterwards. */
} warppool_client_options;

#define WARPPOOL_CLIENT_OPTIONS_INIT \
  { sizeof(warppool_client_options), NULL, NULL, NULL, NULL, NULL }

/**
 * Validates the configuration, takes over what the store knows, and starts the client's thread; sends nothing yet.
 *
 * @param config   not NULL. Copied: change or destroy it as you like.
 * @param options  may be NULL: the defaults.
 * @param client   out: not NULL; release with warppool_client_destroy().
 * @param error    out, may be NULL.
 *
 * @return WARPPOOL_OK
 *         WARPPOOL_INVALID_CONFIG    the message names the field.
 *         WARPPOOL_NO_TOKENS
 *         WARPPOOL_INVALID_ARGUMENT  `config` or `client` is NULL, or `options` has a bad size.
 *         WARPPOOL_OUT_OF_MEMORY
 *         WARPPOOL_INTERNAL          no thread or descriptor to be had.
 *         any other                  the store could not be read, and says so.
 */
WARPPOOL_API warppool_code warppool_client_create(const warppool_config* config, const warppool_client_options* options,
                                                  warppool_client** client, warppool_error** error);

/** What an event callback wants next. Any other value ends the stream with WARPPOOL_INTERNAL. */
typedef enum warppool_flow WARPPOOL_ENUM_TYPE {
  WARPPOOL_FLOW_CONTINUE = 0,
  WARPPOOL_FLOW_PAUSE = 1, /* no further event until warppool_stream_resume() */
  WARPPOOL_FLOW_CANCEL = 2 /* as warppool_stream_cancel() */
} warppool_flow;

/**
 * One event of a pushed stream, in the order in which they happened. Runs in the client's thread; see CALLBACKS.
 *
 * @param event      valid until the callback returns.
 * @param user_data  as registered.
 */
typedef warppool_flow (*warppool_event_callback)(const warppool_event* event, void* user_data);

/**
 * The last callback of a pushed stream, exactly once. Runs in the client's thread; if the stream is cancelled by
 * destroying it, before warppool_stream_destroy() returns. The stream may be destroyed here.
 *
 * @param code       WARPPOOL_OK: the agent is done. WARPPOOL_CANCELLED: someone cancelled it. Any other: it failed.
 * @param error      valid until the callback returns; see warppool_error_copy(). NULL with WARPPOOL_OK.
 * @param user_data  as registered.
 */
typedef void (*warppool_done_callback)(warppool_code code, const warppool_error* error, void* user_data);

/** Where the events of a pushed stream go. */
typedef struct warppool_stream_callbacks {
  size_t struct_size;               /* sizeof(warppool_stream_callbacks) */
  warppool_event_callback on_event; /* default NULL: only the end matters */
  warppool_done_callback on_done;   /* default NULL: the end does not matter */
  void* user_data;                  /* for both; default NULL. Must live until `on_done` has returned. */
} warppool_stream_callbacks;

#define WARPPOOL_STREAM_CALLBACKS_INIT \
  { sizeof(warppool_stream_callbacks), NULL, NULL, NULL }

/**
 * Sends a request and pushes its events. Returns at once.
 *
 * @param client     not NULL.
 * @param request    not NULL. Copied.
 * @param callbacks  not NULL. Copied. They may be called before this returns, and so before `*stream` is set: to cancel
 *                   or pause from a callback use its return value, and hand `*stream` to others only after this
 *                   returns.
 * @param stream     out: not NULL; release with warppool_stream_destroy(), which cancels the request if it still runs.
 * @param error      out, may be NULL.
 *
 * @return WARPPOOL_OK                `on_done` will be called, exactly once.
 *         WARPPOOL_INVALID_ARGUMENT  a parameter is NULL, `callbacks` has a bad size, or the request is at fault; the
 *                                    message names what.
 *         WARPPOOL_MISUSE            the client is closed, or belongs to the parent process.
 *         WARPPOOL_OUT_OF_MEMORY
 *         With any other than WARPPOOL_OK no callback is called.
 */
WARPPOOL_API warppool_code warppool_client_start(warppool_client* client, const warppool_request* request,
                                                 const warppool_stream_callbacks* callbacks, warppool_stream** stream,
                                                 warppool_error** error);

/**
 * Sends a request whose events are pulled with warppool_stream_next(). Returns at once.
 *
 * @param client   not NULL.
 * @param request  not NULL. Copied.
 * @param stream   out: not NULL; release with warppool_stream_destroy(), which cancels the request if it still runs.
 * @param error    out, may be NULL.
 *
 * @return as warppool_client_start().
 */
WARPPOOL_API warppool_code warppool_client_start_pull(warppool_client* client, const warppool_request* request,
                                                      warppool_stream** stream, warppool_error** error);

/**
 * Sends a request and waits for the whole answer, or for its end.
 *
 * @param client   not NULL.
 * @param request  not NULL. Its time-out limits the wait.
 * @param answer   out: not NULL. Whatever the code, it receives an answer with what had come by then (text, ids, usage;
 *                 all of it empty if that was nothing), which belongs to the caller: release it with
 *                 warppool_answer_destroy(), after a failure, too. It stays NULL only if a pointer is missing, or there
 *                 is no memory for an answer.
 * @param error    out, may be NULL: with what happened to each token.
 *
 * @return WARPPOOL_OK      the agent is done.
 *         WARPPOOL_MISUSE  inside a callback of this client; the client is closed, or belongs to the parent process.
 *         any other        why the answer is not whole, or why there is none.
 */
WARPPOOL_API warppool_code warppool_client_ask(warppool_client* client, const warppool_request* request,
                                               warppool_answer** answer, warppool_error** error);

/**
 * A bearer, for a program that speaks HTTP itself: from the first token that has one or gets one, cached or refreshed.
 *
 * @param client        not NULL.
 * @param timeout_ms    how long to wait at most, in milliseconds; -1: no limit but those of the configuration.
 * @param access_token  out: not NULL; release with warppool_access_token_destroy().
 * @param error         out, may be NULL: with what happened to each token.
 *
 * @return WARPPOOL_OK
 *         WARPPOOL_TIMEOUT none came in time; `*error` stays NULL. The exchange goes on, for the next who asks.
 *         WARPPOOL_MISUSE  inside a callback of this client; the client is closed, or belongs to the parent process.
 *         any other        why there is none.
 */
WARPPOOL_API warppool_code warppool_client_access_token(warppool_client* client, int32_t timeout_ms,
                                                        warppool_access_token** access_token, warppool_error** error);

/**
 * Tells that the service refused a bearer: the next call, and every request, gets another one. Nothing happens if it
 * has been replaced already.
 *
 * @param client   not NULL.
 * @param refused  not NULL; stays the caller's.
 * @param error    out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_client_drop_access_token(warppool_client* client,
                                                             const warppool_access_token* refused,
                                                             warppool_error** error);

/**
 * A snapshot of what the pool knows of its tokens. Empty in a child process.
 *
 * @param client  not NULL.
 * @param status  out: not NULL; release with warppool_pool_status_destroy().
 * @param error   out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_client_pool(const warppool_client* client, warppool_pool_status** status,
                                                warppool_error** error);

/**
 * For each token, whether a request that comes now would get it, and if not, why and until when. Nothing is sent, and
 * nobody's turn changes. Empty in a child process.
 *
 * @param client       not NULL.
 * @param explanation  out: not NULL; release with warppool_explanation_destroy().
 * @param error        out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_client_explain(const warppool_client* client, warppool_explanation** explanation,
                                                   warppool_error** error);

/**
 * Makes a token ready again that is disabled, cooling or resting: its failures are forgotten, and what older requests
 * still report does not count. Nothing is sent. Any thread, inside event callbacks too.
 *
 * @param client  not NULL.
 * @param token   not NULL: its name, as events, errors and warppool_token_info tell it.
 * @param error   out, may be NULL.
 *
 * @return WARPPOOL_OK                it is ready, or was before.
 *         WARPPOOL_INVALID_ARGUMENT  a parameter is NULL, or there is no token of that name, which the message quotes.
 *         WARPPOOL_MISUSE            the client is closed, or belongs to the parent process.
 *         WARPPOOL_OUT_OF_MEMORY
 */
WARPPOOL_API warppool_code warppool_client_recover(warppool_client* client, const char* token, warppool_error** error);

/**
 * Does what warppool_client_recover() does for all tokens.
 *
 * @param client  not NULL.
 * @param count   out, may be NULL: how many were not ready. 0 when the code is not WARPPOOL_OK.
 * @param error   out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_MISUSE, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_client_recover_all(warppool_client* client, size_t* count, warppool_error** error);

/** How to look after the tokens' health. */
typedef struct warppool_health_check_options {
  size_t struct_size;  /* sizeof(warppool_health_check_options) */
  int32_t active;      /* 0, the default: what the pool knows, at once. 1: each token is refreshed and asked for its
                          quota; a disabled one that passes is recovered, a refusal counts if another one of its kind
                          passes */
  int32_t concurrency; /* active: tokens that are asked at the same time; 1 to 1000; default 4, which 0 means too */
  int32_t timeout_ms;  /* active: milliseconds for the whole check; default 60000, which 0 means too; -1: no limit */
  int32_t reserved;    /* 0 */
} warppool_health_check_options;

#define WARPPOOL_HEALTH_CHECK_OPTIONS_INIT \
  { sizeof(warppool_health_check_options), 0, 4, 60000, 0 }

/**
 * How the tokens are. A passive check neither sends nor waits. An active one waits, and is the one thing besides
 * warppool_client_recover() that tries tokens which were refused for good; it costs no credits.
 *
 * @param client   not NULL.
 * @param options  may be NULL: a passive check.
 * @param report   out: not NULL; release with warppool_health_report_destroy().
 * @param error    out, may be NULL.
 *
 * @return WARPPOOL_OK                there is a report, whatever it says. Tokens that an active check was not through
 *                                    with in time are unhealthy with WARPPOOL_TIMEOUT.
 *         WARPPOOL_MISUSE            an active check inside a callback of this client; the client is closed, or belongs
 *                                    to the parent process.
 *         WARPPOOL_INVALID_ARGUMENT  a parameter is NULL, or `options` has a bad size or a value out of its range.
 *         WARPPOOL_OUT_OF_MEMORY
 */
WARPPOOL_API warppool_code warppool_client_check_health(warppool_client* client,
                                                        const warppool_health_check_options* options,
                                                        warppool_health_report** report, warppool_error** error);

/*
 * Which tokens there are. Any of these at any time, inside event and bearer callbacks too: requests that run with a
 * token finish with it, whatever becomes of it. Names are those of the pool status. For each function of this group:
 *
 * @param client  not NULL.
 * @param token   not NULL: the present name of the token that it is about.
 * @param change  out, may be NULL: what came of it, with the name that the token has now; release with
 *                warppool_pool_change_destroy().
 * @param error   out, may be NULL. Never holds a credential.
 *
 * @return WARPPOOL_OK
 *         WARPPOOL_INVALID_ARGUMENT  a parameter is NULL or out of its range, there is no token of that name, or
 *                                    another token has the same name or credential; the message says which.
 *         WARPPOOL_MISUSE            the client is closed, or belongs to the parent process.
 *         WARPPOOL_OUT_OF_MEMORY
 *         With any other than WARPPOOL_OK nothing changes.
 */

/** Adds a token behind the others of its tier, with what the store knows of it. `tier`, `kind`, `credential` and `name`
 *  as for warppool_config_add_token(); the tier must be one that is used. */
WARPPOOL_API warppool_code warppool_client_add_token(warppool_client* client, warppool_tier tier,
                                                     warppool_credential_kind kind, const char* credential,
                                                     const char* name, warppool_pool_change** change,
                                                     warppool_error** error);

/** Adds a token whose bearers the program supplies. `tier`, `name` and `source` as for
 *  warppool_config_add_bearer_source(); the tier must be one that is used. */
WARPPOOL_API warppool_code warppool_client_add_bearer_source(warppool_client* client, warppool_tier tier,
                                                             const char* name, const warppool_bearer_source* source,
                                                             warppool_pool_change** change, warppool_error** error);

/** Removes a token: no request gets it any more. Its record in the store stays. The last one cannot be removed. */
WARPPOOL_API warppool_code warppool_client_remove_token(warppool_client* client, const char* token,
                                                        warppool_error** error);

/** Calls a token `name` from now on; NULL or "": by its tier and a fingerprint, which a token whose bearers the program
 *  supplies does not have. */
WARPPOOL_API warppool_code warppool_client_rename_token(warppool_client* client, const char* token, const char* name,
                                                        warppool_pool_change** change, warppool_error** error);

/** Puts a token behind the others of `tier`, healthy or not, with its counters. The tier must be one that is used. A
 *  name by tier and fingerprint changes with the tier. */
WARPPOOL_API warppool_code warppool_client_move_token(warppool_client* client, const char* token, warppool_tier tier,
                                                      warppool_pool_change** change, warppool_error** error);

/** Gives a token another credential, of either kind: from now on it is a new one, ready and untried, with the name
 *  (unless that is by fingerprint), the place and the counters of the old one. `kind` and `credential` as for
 *  warppool_config_add_token(). */
WARPPOOL_API warppool_code warppool_client_replace_credential(warppool_client* client, const char* token,
                                                              warppool_credential_kind kind, const char* credential,
                                                              warppool_pool_change** change, warppool_error** error);

/** The same, and from now on the program supplies its bearers. `source` as for warppool_config_add_bearer_source(). */
WARPPOOL_API warppool_code warppool_client_replace_bearer_source(warppool_client* client, const char* token,
                                                                 const warppool_bearer_source* source,
                                                                 warppool_pool_change** change, warppool_error** error);

/**
 * Makes the pool what `config` says, without a restart: tokens, tier order, strategy, max_in_flight, max_failures,
 * recovery_delay, recovery_max_delay and quota_cooling. A token that stays, by its credential (the configured one, or
 * one that replaced it) or else by the name that the configuration gives it, keeps its health and its counters; with
 * another credential under the same name, as warppool_client_replace_credential() does.
 *
 * @param client  not NULL.
 * @param config  not NULL. Copied.
 * @param change  out, may be NULL: what came of it; release with warppool_pool_change_destroy().
 * @param error   out, may be NULL.
 *
 * @return WARPPOOL_OK
 *         WARPPOOL_INVALID_CONFIG    as warppool_config_validate() says, or another field differs, which takes a new
 *                                    client; the message names the field.
 *         WARPPOOL_NO_TOKENS
 *         WARPPOOL_INVALID_ARGUMENT  `client` or `config` is NULL.
 *         WARPPOOL_MISUSE            the client is closed, or belongs to the parent process.
 *         WARPPOOL_OUT_OF_MEMORY
 *         With any other than WARPPOOL_OK nothing changes.
 */
WARPPOOL_API warppool_code warppool_client_reload(warppool_client* client, const warppool_config* config,
                                                  warppool_pool_change** change, warppool_error** error);

/**
 * What the tokens did, in numbers. Empty in a child process.
 *
 * @param client  not NULL.
 * @param stats   out: not NULL; release with warppool_stats_destroy().
 * @param error   out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_client_statistics(const warppool_client* client, warppool_stats** stats,
                                                      warppool_error** error);

/**
 * Accepts no new request, lets the running ones finish, cancels what is left, stops the client's threads and brings
 * everything to the store. Every later call returns WARPPOOL_MISUSE, but for warppool_client_pool(),
 * warppool_client_explain(), warppool_client_statistics() and this one. With a store, token exchanges that are under
 * way are waited for, up to 5 s: the answer may hold a new refresh token. The handle still wants to be destroyed.
 *
 * @param client      not NULL.
 * @param timeout_ms  how long requests may take to finish, in milliseconds; 0: none may; -1: no limit.
 * @param error       out, may be NULL.
 *
 * @return WARPPOOL_OK      it is closed, or was before.
 *         WARPPOOL_MISUSE  inside a callback of this client, which then stays as it is; or after a fork.
 *         WARPPOOL_INVALID_ARGUMENT
 */
WARPPOOL_API warppool_code warppool_client_close(warppool_client* client, int32_t timeout_ms, warppool_error** error);

/**
 * Cancels what runs, and releases the client. When it returns WARPPOOL_OK, no callback runs any more, and none will. It
 * must be the last call: no other thread may be inside a function of this client.
 *
 * @param client  set to NULL with WARPPOOL_OK. `client` or `*client` may be NULL.
 *
 * @return WARPPOOL_OK      it is gone. In a child process only memory was freed.
 *         WARPPOOL_MISUSE  inside a callback of this client: it cannot wait for itself. The client and the variable
 *                          stay as they are.
 */
WARPPOOL_API warppool_code warppool_client_destroy(warppool_client** client);

/* -------------------------------------------------------------------------------------------------------- answer -- */

/*
 * An answer, whole or as far as it came, from warppool_client_ask(). Its strings are borrowed: valid until it is
 * destroyed.
 */

typedef enum warppool_finish_reason WARPPOOL_ENUM_TYPE {
  WARPPOOL_FINISH_NONE = 0, /* the service did not say, or the event is not the one that says so */
  WARPPOOL_FINISH_DONE = 1,
  WARPPOOL_FINISH_QUOTA_LIMIT = 2,
  WARPPOOL_FINISH_MAX_TOKEN_LIMIT = 3,
  WARPPOOL_FINISH_CONTEXT_WINDOW_EXCEEDED = 4,
  WARPPOOL_FINISH_MODEL_UNAVAILABLE = 5,
  WARPPOOL_FINISH_INTERNAL_ERROR = 6,
  WARPPOOL_FINISH_INVALID_MODEL_KEY = 7,
  WARPPOOL_FINISH_OTHER = 8,
  WARPPOOL_FINISH_UNKNOWN = 9 /* not in this version's schema */
} warppool_finish_reason;

/** What the agent said in the root task; of several messages, one right after the other. `length` receives the bytes
 *  before the final NUL, may be NULL. NULL answer: "", length 0. */
WARPPOOL_API const char* warppool_answer_text(const warppool_answer* answer, size_t* length);

/** The conversation's id at the service. NULL: "". */
WARPPOOL_API const char* warppool_answer_conversation_id(const warppool_answer* answer);

/** The request's id at the service. NULL: "". */
WARPPOOL_API const char* warppool_answer_request_id(const warppool_answer* answer);

/** The name of the token that served it; "" if none did. NULL: "". */
WARPPOOL_API const char* warppool_answer_token(const warppool_answer* answer);

/** The service's last word on why it ended. WARPPOOL_FINISH_NONE: that did not come. NULL: WARPPOOL_FINISH_NONE. */
WARPPOOL_API warppool_finish_reason warppool_answer_finish_reason(const warppool_answer* answer);

/**
 * What it cost. All zero if the service's last word did not come.
 *
 * @param answer  not NULL.
 * @param usage   in and out: not NULL, `struct_size` set. Filled up to that size.
 * @param error   out, may be NULL.
 *
 * @return WARPPOOL_OK or WARPPOOL_INVALID_ARGUMENT.
 */
WARPPOOL_API warppool_code warppool_answer_usage(const warppool_answer* answer, warppool_usage* usage,
                                                 warppool_error** error);

/** Releases an answer and sets the variable to NULL. `answer` or `*answer` may be NULL. */
WARPPOOL_API void warppool_answer_destroy(warppool_answer** answer);

/* -------------------------------------------------------------------------------------------------- access token -- */

/*
 * A bearer, from warppool_client_access_token(). Its strings are borrowed: valid until it is destroyed.
 */

/** The bearer itself, what follows "Authorization: Bearer ". A secret: do not log it. NULL: "". */
WARPPOOL_API const char* warppool_access_token_value(const warppool_access_token* access_token);

/** The name of the token that it was issued for. NULL: "". */
WARPPOOL_API const char* warppool_access_token_token(const warppool_access_token* access_token);

/** When it ends, in milliseconds since 1970; -1: not known (API keys), or NULL. */
WARPPOOL_API int64_t warppool_access_token_expires_ms(const warppool_access_token* access_token);

/** Wipes and releases it and sets the variable to NULL. `access_token` or `*access_token` may be NULL. */
WARPPOOL_API void warppool_access_token_destroy(warppool_access_token** access_token);

/* -------------------------------------------------------------------------------------------------------- stream -- */

/*
 * One request's stream of events. From warppool_client_start() it is pushed: the callbacks get the events; the handle
 * is for cancelling, resuming and destroying. From warppool_client_start_pull() it is pulled by its reader, and reading
 * slowly slows this transfer down and no other: nothing is dropped.
 */

/**
 * Waits for the next event of a pulled stream. One thread at a time.
 *
 * @param stream      not NULL.
 * @param timeout_ms  how long to wait at most, in milliseconds; 0: only look, do not wait; -1: wait for ever.
 * @param event       out: not NULL. Borrowed from the stream, valid until the next call of this function on it or its
 *                    destruction. NULL when the code is not WARPPOOL_OK.
 * @param error       out, may be NULL.
 *
 * @return WARPPOOL_OK            an event is there.
 *         WARPPOOL_TIMEOUT       none came in time; the stream goes on, ask again.
 *         WARPPOOL_END           the answer is complete; every later call returns this.
 *         WARPPOOL_CANCELLED     someone cancelled it; every later call returns this.
 *         WARPPOOL_MISUSE        the stream is a pushed one; inside a callback of its client; after a fork.
 *         WARPPOOL_INVALID_ARGUMENT
 *         WARPPOOL_OUT_OF_MEMORY  no event was lost; ask again at once, whatever the descriptor says.
 *         any other              the stream failed; every later call returns the same.
 */
WARPPOOL_API warppool_code warppool_stream_next(warppool_stream* stream, int32_t timeout_ms,
                                                const warppool_event** event, warppool_error** error);

/**
 * A descriptor that is readable while warppool_stream_next(stream, 0, ...) would not return WARPPOOL_TIMEOUT, for poll,
 * epoll, asyncio or libuv. It belongs to the stream: neither read nor close it.
 *
 * @param stream      not NULL; a pulled one.
 * @param descriptor  out: not NULL. Valid until the stream is destroyed. -1 when the code is not WARPPOOL_OK.
 * @param error       out, may be NULL.
 *
 * @return WARPPOOL_OK
 *         WARPPOOL_MISUSE    the stream is a pushed one; after a fork.
 *         WARPPOOL_INTERNAL  the process has no descriptor left.
 *         WARPPOOL_INVALID_ARGUMENT
 */
WARPPOOL_API warppool_code warppool_stream_descriptor(warppool_stream* stream, int* descriptor, warppool_error** error);

/**
 * Ends the stream with WARPPOOL_CANCELLED, soon. Nothing happens if it has ended. Any thread, inside callbacks too.
 *
 * @return WARPPOOL_OK, or WARPPOOL_INVALID_ARGUMENT if `stream` is NULL. `error` may be NULL.
 */
WARPPOOL_API warppool_code warppool_stream_cancel(warppool_stream* stream, warppool_error** error);

/**
 * Lets a pushed stream go on after its callback has returned WARPPOOL_FLOW_PAUSE. Any thread, inside callbacks too.
 *
 * @return WARPPOOL_OK, or WARPPOOL_INVALID_ARGUMENT if `stream` is NULL. `error` may be NULL.
 */
WARPPOOL_API warppool_code warppool_stream_resume(warppool_stream* stream, warppool_error** error);

/** Cancels the stream if it still runs, releases it and sets the variable to NULL (before anything else, so that
 *  `on_done` finds it empty). A pushed stream's `on_done` has been called before this returns, and no callback of it
 *  runs afterwards. Any thread, inside callbacks too. `stream` or `*stream` may be NULL. */
WARPPOOL_API void warppool_stream_destroy(warppool_stream** stream);

/* --------------------------------------------------------------------------------------------------------- event -- */

/** What an event is, and so which of the functions below have something to say about it. The answer is the agent output
 *  of the root task: TEXT_DELTA and TEXT_REPLACED bring it, MESSAGE_RETRACTED takes a part of it back. */
typedef enum warppool_event_type WARPPOOL_ENUM_TYPE {
  WARPPOOL_EVENT_NONE = 0,            /* there is no event (NULL) */
  WARPPOOL_EVENT_STREAM_STARTED = 10, /* the service accepted the request. Once, before any text; again when an answer
                                         that broke off goes on: token, conversation_id, request_id, run_id */

  /* What the agent says. */
  WARPPOOL_EVENT_TEXT_DELTA = 20,         /* more of the answer, to be appended: message_id, text */
  WARPPOOL_EVENT_TEXT_REPLACED = 21,      /* the service rewrote a message of the answer, or took a part of it back; its
                                             whole text now: message_id, text */
  WARPPOOL_EVENT_REASONING_DELTA = 22,    /* more of what the agent of the root task thinks: message_id, text */
  WARPPOOL_EVENT_REASONING_REPLACED = 23, /* all of it: message_id, text */
  WARPPOOL_EVENT_MESSAGE_ADDED = 24,      /* a task has a new message. Text and reasoning of the root task follow as
                                             deltas, tool calls and to-do lists as events of their own: task_id,
                                             message_id, message_kind, in_root, json */
  WARPPOOL_EVENT_MESSAGE_REPLACED = 25,   /* a message changed whose text is not told by deltas: the same */
  WARPPOOL_EVENT_MESSAGE_APPENDED = 26,   /* more of a text in a message that is neither the answer's nor the root's
                                             reasoning: task_id, message_id, field, text */
  WARPPOOL_EVENT_MESSAGE_RETRACTED = 27,  /* a message is gone from this task, taken back or moved to another one, whose
                                             MESSAGE_ADDED follows: task_id, message_id, in_root */

  /* What it wants, and plans. */
  WARPPOOL_EVENT_TOOL_CALL = 30,      /* the agent calls a tool. Act when the answer has ended: until then the call may
                                         change (it is told again, with the same id) or be retracted: task_id,
                                         message_id, tool_call_id, tool, function, server_id, arguments, bytes */
  WARPPOOL_EVENT_TODO_LIST = 31,      /* its to-do list as it stands now: task_id, json */
  WARPPOOL_EVENT_TASK_CREATED = 32,   /* task_id, parent_id, description, in_root */
  WARPPOOL_EVENT_TASK_CHANGED = 33,   /* a task was named, summed up, or given what the service wants back: task_id,
                                         field ("description", "summary", "server_data"), value */
  WARPPOOL_EVENT_TASK_RETRACTED = 34, /* the task, and what it held, is taken back: task_id */
  WARPPOOL_EVENT_SUGGESTIONS = 35,    /* things that the user might want: json */
  WARPPOOL_EVENT_NEW_CONVERSATION_SUGGESTED = 36, /* one that goes on from this message: message_id */

  /* How the request fares. */
  WARPPOOL_EVENT_ATTEMPT_FAILED = 40, /* one attempt failed; what was delivered so far stands, but for what a
                                         transaction takes back: token, code, message, next_step, wait_ms */
  WARPPOOL_EVENT_WAITING = 41, /* no token is ready, or the service is overloaded as other requests found out, and
                                  nothing has been sent: the request waits. After a failed attempt, ATTEMPT_FAILED says
                                  so instead: message, wait_ms */
  WARPPOOL_EVENT_CONVERSATION_MOVED = 42, /* the conversation goes on at another account, as a new one of the service's,
                                             with its history; STREAM_STARTED follows: from_token, token */
  WARPPOOL_EVENT_FINISHED = 50,           /* the service's last word; the stream's final code follows:
                                             finish_reason, message, usage, refresh_models */

  WARPPOOL_EVENT_RAW = 80,    /* one event of the stream as it came, a serialized ResponseEvent, if the request asked
                                 for it: bytes */
  WARPPOOL_EVENT_UNKNOWN = 90 /* something that this version has no event for: kind, bytes */
} warppool_event_type;

/** What a message is. The numbers are the service's field numbers. */
typedef enum warppool_message_kind WARPPOOL_ENUM_TYPE {
  WARPPOOL_MESSAGE_OTHER = 0, /* not in this version's schema */
  WARPPOOL_MESSAGE_USER_QUERY = 2,
  WARPPOOL_MESSAGE_AGENT_OUTPUT = 3,
  WARPPOOL_MESSAGE_TOOL_CALL = 4,
  WARPPOOL_MESSAGE_TOOL_CALL_RESULT = 5,
  WARPPOOL_MESSAGE_SERVER_EVENT = 6,
  WARPPOOL_MESSAGE_SYSTEM_QUERY = 9,
  WARPPOOL_MESSAGE_TODOS = 10,
  WARPPOOL_MESSAGE_REASONING = 15,
  WARPPOOL_MESSAGE_SUMMARIZATION = 16,
  WARPPOOL_MESSAGE_WEB_SEARCH = 19,
  WARPPOOL_MESSAGE_WEB_FETCH = 20,
  WARPPOOL_MESSAGE_DEBUG_OUTPUT = 21,
  WARPPOOL_MESSAGE_MODEL_USED = 25
} warppool_message_kind;

/** The field's name in the schema ("agent_output"); "other" for any other value. Any thread; valid for ever. */
WARPPOOL_API const char* warppool_message_kind_name(warppool_message_kind kind);

typedef enum warppool_next_step WARPPOOL_ENUM_TYPE {
  WARPPOOL_NEXT_NONE = 0,       /* not an event that says so */
  WARPPOOL_NEXT_SAME_TOKEN = 1, /* again with a new JWT of the same token */
  WARPPOOL_NEXT_NEXT_TOKEN = 2, /* at once with another token */
  WARPPOOL_NEXT_WAIT = 3,       /* after a pause */
  WARPPOOL_NEXT_GIVE_UP = 4,    /* no further attempt; the final code follows */
  WARPPOOL_NEXT_RESUME = 5      /* after a pause, the answer goes on where it broke off */
} warppool_next_step;

/*
 * Events are borrowed unless they were copied, and everything in them is: for as long as the event itself is valid.
 * Asked for what its type does not have, or with NULL, each of these functions returns the value that its comment
 * names.
 */

/**
 * Makes a copy that may be kept, and passed to another thread.
 *
 * @param event  not NULL.
 * @param copy   out: not NULL; release with warppool_event_destroy().
 * @param error  out, may be NULL: details of a failure; release with warppool_error_destroy().
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_event_copy(const warppool_event* event, warppool_event** copy,
                                               warppool_error** error);

/** Releases a copy and sets the variable to NULL. `event` or `*event` may be NULL. Never for an event that was lent. */
WARPPOOL_API void warppool_event_destroy(warppool_event** event);

/** NULL: WARPPOOL_EVENT_NONE. */
WARPPOOL_API warppool_event_type warppool_event_get_type(const warppool_event* event);

/** TEXT_DELTA, REASONING_DELTA, MESSAGE_APPENDED: what to append; TEXT_REPLACED, REASONING_REPLACED: the whole. Else
 * "". `length` receives the bytes before the final NUL, may be NULL. */
WARPPOOL_API const char* warppool_event_text(const warppool_event* event, size_t* length);

/** Which message: of all events that are about one. Else "". */
WARPPOOL_API const char* warppool_event_message_id(const warppool_event* event);

/** Which task: MESSAGE_ADDED to MESSAGE_RETRACTED, TOOL_CALL to TASK_RETRACTED. Else "". */
WARPPOOL_API const char* warppool_event_task_id(const warppool_event* event);

/** MESSAGE_ADDED, MESSAGE_REPLACED. Else WARPPOOL_MESSAGE_OTHER. */
WARPPOOL_API warppool_message_kind warppool_event_message_kind(const warppool_event* event);

/** MESSAGE_ADDED, MESSAGE_REPLACED, MESSAGE_RETRACTED, TASK_CREATED: 1: the task is the root task, whose agent output
 * is the answer; 0: another one. Else 0. */
WARPPOOL_API int32_t warppool_event_in_root(const warppool_event* event);

/** MESSAGE_ADDED, MESSAGE_REPLACED: what it says, in protobuf's JSON mapping with the schema's names; "" where it
 * follows as deltas, and for WARPPOOL_MESSAGE_OTHER. TODO_LIST: an array of {"id", "title", "description", "done"}.
 *  SUGGESTIONS: {"rules": [{"name", "content", "logging_id"}], "workflows": [{"name", "prompt", "logging_id"}]}.
 *  Else "". */
WARPPOOL_API const char* warppool_event_json(const warppool_event* event);

/** MESSAGE_APPENDED: which text of the message, as a path in the schema ("tool_call.server.payload"); TASK_CHANGED:
 * which text of the task. Else "". */
WARPPOOL_API const char* warppool_event_field(const warppool_event* event);

/** TASK_CHANGED: what it is now. Else "". */
WARPPOOL_API const char* warppool_event_value(const warppool_event* event);

/** TOOL_CALL: what its result has to name. Else "". */
WARPPOOL_API const char* warppool_event_tool_call_id(const warppool_event* event);

/** TOOL_CALL: as in warppool_tool_name(), see warppool_tool_find(); "" for one that is not in this version's schema.
 * Else "". */
WARPPOOL_API const char* warppool_event_tool(const warppool_event* event);

/** TOOL_CALL of "call_mcp_tool": the program's function. Else "". */
WARPPOOL_API const char* warppool_event_function(const warppool_event* event);

/** TOOL_CALL of "call_mcp_tool" and "read_mcp_resource": the server's id. Else "". */
WARPPOOL_API const char* warppool_event_server_id(const warppool_event* event);

/** TOOL_CALL: JSON, the function's arguments, or those of the tool in protobuf's mapping; "": JSON cannot hold them, or
 * the tool is not in this version's schema. The bytes hold them then. Else "". */
WARPPOOL_API const char* warppool_event_arguments(const warppool_event* event);

/** TASK_CREATED: the task that it belongs to; "": none. Else "". */
WARPPOOL_API const char* warppool_event_parent_id(const warppool_event* event);

/** TASK_CREATED. Else "". */
WARPPOOL_API const char* warppool_event_description(const warppool_event* event);

/** STREAM_STARTED, ATTEMPT_FAILED: the token's name; CONVERSATION_MOVED: where it goes on. Else "". */
WARPPOOL_API const char* warppool_event_token(const warppool_event* event);

/** CONVERSATION_MOVED: the name of the token that it was at. Else "". */
WARPPOOL_API const char* warppool_event_from_token(const warppool_event* event);

/** STREAM_STARTED. Else "". */
WARPPOOL_API const char* warppool_event_conversation_id(const warppool_event* event);

/** STREAM_STARTED. Else "". */
WARPPOOL_API const char* warppool_event_request_id(const warppool_event* event);

/** STREAM_STARTED. Else "". */
WARPPOOL_API const char* warppool_event_run_id(const warppool_event* event);

/** ATTEMPT_FAILED: why. Else WARPPOOL_OK. */
WARPPOOL_API warppool_code warppool_event_code(const warppool_event* event);

/** ATTEMPT_FAILED, WAITING: why, as a sentence; FINISHED: with INTERNAL_ERROR and INVALID_MODEL_KEY what the service
 *  says. Else "". */
WARPPOOL_API const char* warppool_event_message(const warppool_event* event);

/** ATTEMPT_FAILED. Else WARPPOOL_NEXT_NONE. */
WARPPOOL_API warppool_next_step warppool_event_next_step(const warppool_event* event);

/** ATTEMPT_FAILED with WARPPOOL_NEXT_WAIT or _RESUME: for how long, in milliseconds; WAITING: for how long at most,
 *  since what is not known in advance may come sooner. Else 0. */
WARPPOOL_API int64_t warppool_event_wait_ms(const warppool_event* event);

/** FINISHED. Else WARPPOOL_FINISH_NONE. */
WARPPOOL_API warppool_finish_reason warppool_event_finish_reason(const warppool_event* event);

/**
 * FINISHED: what the request cost. Else all 0.
 *
 * @param event  not NULL.
 * @param usage  in and out: not NULL, `struct_size` set. Filled up to that size.
 * @param error  out, may be NULL.
 *
 * @return WARPPOOL_OK or WARPPOOL_INVALID_ARGUMENT.
 */
WARPPOOL_API warppool_code warppool_event_usage(const warppool_event* event, warppool_usage* usage,
                                                warppool_error** error);

/** FINISHED: 1: the list of models has changed. Else 0. */
WARPPOOL_API int32_t warppool_event_refresh_models(const warppool_event* event);

/** UNKNOWN: a field name of the schema; "": not in the schema. Else "". */
WARPPOOL_API const char* warppool_event_kind(const warppool_event* event);

/** UNKNOWN: the serialized ClientAction, or ResponseEvent if the kind is ""; RAW: the serialized ResponseEvent;
 * TOOL_CALL: the serialized Message.ToolCall. Binary, no NUL at the end. `length` receives how many, may be NULL. Else
 * "", length 0. */
WARPPOOL_API const uint8_t* warppool_event_bytes(const warppool_event* event, size_t* length);

/* -------------------------------------------------------------------------------------------------- conversation -- */

/*
 * A conversation of many turns: what was said and done in it, as the service told it, and what the next request takes
 * back to the service. It has one request at a time; many conversations can be busy at once. It keeps to the token that
 * began it while that is ready, since accounts own conversations at the service; when it has to go elsewhere, the
 * client starts a new one there with the whole history (WARPPOOL_EVENT_CONVERSATION_MOVED).
 *
 * What an answer did stays in the conversation, however the answer ends: failed, cancelled or timed out. But a
 * transaction that the service has not committed by then is undone. After a fork, one that a client of the parent works
 * on is empty in the child, and cannot be saved there.
 */
typedef struct warppool_conversation warppool_conversation;
typedef struct warppool_conversation_view warppool_conversation_view;
typedef struct warppool_message_list warppool_message_list;
typedef struct warppool_bytes warppool_bytes;

/**
 * Makes an empty conversation. Any thread may use it, several at once, in callbacks too; destroying it is the last
 * call.
 *
 * @param conversation  out: not NULL; release with warppool_conversation_destroy().
 * @param error         out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_conversation_create(warppool_conversation** conversation, warppool_error** error);

/**
 * Makes the conversation that was saved.
 *
 * @param bytes         what warppool_conversation_save() gave. Copied.
 * @param length        how many.
 * @param conversation  out: not NULL; release with warppool_conversation_destroy().
 * @param error         out, may be NULL.
 *
 * @return WARPPOOL_OK                `conversation` is set.
 *         WARPPOOL_INVALID_ARGUMENT  a parameter is NULL, or the bytes are damaged, or of a later version.
 *         WARPPOOL_OUT_OF_MEMORY
 */
WARPPOOL_API warppool_code warppool_conversation_restore(const uint8_t* bytes, size_t length,
                                                         warppool_conversation** conversation, warppool_error** error);

/**
 * All of it as bytes to be kept. No token or key is in them, but what was said is, in the clear. While a request runs:
 * as far as it is, without what the service has not committed.
 *
 * @param conversation  not NULL.
 * @param bytes         out: not NULL; release with warppool_bytes_destroy().
 * @param error         out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT, WARPPOOL_OUT_OF_MEMORY, WARPPOOL_LIMIT_EXCEEDED (above 2 GiB), or
 *         WARPPOOL_MISUSE (a request of the parent process works on it).
 */
WARPPOOL_API warppool_code warppool_conversation_save(const warppool_conversation* conversation, warppool_bytes** bytes,
                                                      warppool_error** error);

/** 1: a request works on it. 0: none does; or NULL. */
WARPPOOL_API int32_t warppool_conversation_busy(const warppool_conversation* conversation);

/**
 * How it stands now: ids, usage, tasks, to-do lists, and the calls that wait for a result.
 *
 * @param conversation  not NULL.
 * @param view          out: not NULL; release with warppool_conversation_view_destroy().
 * @param error         out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_conversation_inspect(const warppool_conversation* conversation,
                                                         warppool_conversation_view** view, warppool_error** error);

/**
 * A task's messages, oldest first.
 *
 * @param conversation  not NULL.
 * @param task_id       which task; NULL: the root task. The list of a task that is not there is empty.
 * @param messages      out: not NULL; release with warppool_message_list_destroy().
 * @param error         out, may be NULL.
 *
 * @return WARPPOOL_OK, WARPPOOL_INVALID_ARGUMENT or WARPPOOL_OUT_OF_MEMORY.
 */
WARPPOOL_API warppool_code warppool_conversation_messages(const warppool_conversation* conversation,
                                                          const char* task_id, warppool_message_list** messages,
                                                          warppool_error** error);

/** Releases the handle and sets the variable to NULL. A request that works on the conversation goes on. `conversation`
 *  or `*conversation` may be NULL. */
WARPPOOL_API void warppool_conversation_destroy(warppool_conversation** conversation);

/** The bytes; `length` receives how many, may be NULL. Valid until they are destroyed. NULL: "", length 0. */
WARPPOOL_API const uint8_t* warppool_bytes_data(const warppool_bytes* bytes, size_t* length);

/** Releases bytes and sets the variable to NULL. `bytes` or `*bytes` may be NULL. */
WARPPOOL_API void warppool_bytes_destroy(warppool_bytes** bytes);

/*
 * What follows reads a view. Its strings are borrowed: valid until it is destroyed. Asked for an index that is out of
 * range, the functions that fill a struct return WARPPOOL_INVALID_ARGUMENT.
 */

/** The service's id of the conversation. "": nothing was answered yet; or NULL. */
WARPPOOL_API const char* warppool_conversation_view_id(const warppool_conversation_view* view);

/** The name of the token that it keeps to. "": none yet; or NULL. */
WARPPOOL_API const char* warppool_conversation_view_token(const warppool_conversation_view* view);

/**
 * What all answers together cost; `context_window_usage` is the last one's.
 *
 * @param view   not NULL.
 * @param usage  in and out: not NULL, `struct_size` set. Filled up to that size.
 * @param error  out, may be NULL.
 *
 * @return WARPPOOL_OK or WARPPOOL_INVALID_ARGUMENT.
 */
WARPPOOL_API warppool_code warppool_conversation_view_usage(const warppool_conversation_view* view,
                                                            warppool_usage* usage, warppool_error** error);

/** One task of a conversation. */
typedef struct warppool_task_info {
  size_t struct_size;      /* in: sizeof(warppool_task_info) */
  const char* id;          /* valid as long as the view, as all strings here */
  const char* parent_id;   /* "": none, as the root task */
  const char* description; /* "": none */
  const char* summary;     /* "": none */
  size_t message_count;
  size_t todo_count; /* of its to-do list */
} warppool_task_info;

#define WARPPOOL_TASK_INFO_INIT \
  { sizeof(warppool_task_info), "", "", "", "", 0, 0 }

/** How many tasks there are. The root task is the first. NULL: 0. */
WARPPOOL_API size_t warppool_conversation_view_task_count(const warppool_conversation_view* view);

/** Fills `task`, whose `struct_size` is set. Returns WARPPOOL_OK or WARPPOOL_INVALID_ARGUMENT. `error` may be NULL. */
WARPPOOL_API warppool_code warppool_conversation_view_task(const warppool_conversation_view* view, size_t index,
                                                           warppool_task_info* task, warppool_error** error);

/** One item of a task's to-do list. */
typedef struct warppool_todo_info {
  size_t struct_size;      /* in: sizeof(warppool_todo_info) */
  const char* id;          /* valid as long as the view, as all strings here */
  const char* title;       /* "": none */
  const char* description; /* "": none */
  int32_t done;            /* 0 or 1 */
} warppool_todo_info;

#define WARPPOOL_TODO_INFO_INIT \
  { sizeof(warppool_todo_info), "", "", "", 0 }

/** Fills `todo`, whose `struct_size` is set, with item `index` of the task's list. Returns WARPPOOL_OK or
 *  WARPPOOL_INVALID_ARGUMENT. `error` may be NULL. */
WARPPOOL_API warppool_code warppool_conversation_view_todo(const warppool_conversation_view* view, size_t task_index,
                                                           size_t index, warppool_todo_info* todo,
                                                           warppool_error** error);

/** A call of the agent's that no message answers yet. */
typedef struct warppool_tool_call_info {
  size_t struct_size;  /* in: sizeof(warppool_tool_call_info) */
  const char* task_id; /* valid as long as the view, as all that is pointed to here */
  const char* message_id;
  const char* id;        /* what its result has to name */
  const char* tool;      /* as in warppool_tool_name(); "": not in this version's schema */
  const char* function;  /* of "call_mcp_tool": the program's function; else "" */
  const char* server_id; /* of "call_mcp_tool" and "read_mcp_resource"; else "" */
  const char* arguments; /* JSON; "": see warppool_event_arguments() */
  const uint8_t* bytes;  /* the serialized Message.ToolCall */
  size_t length;         /* of `bytes` */
} warppool_tool_call_info;

#define WARPPOOL_TOOL_CALL_INFO_INIT \
  { sizeof(warppool_tool_call_info), "", "", "", "", "", "", "", NULL, 0 }

/** How many calls wait for a result, in any task; to be asked between two requests. NULL: 0. */
WARPPOOL_API size_t warppool_conversation_view_tool_call_count(const warppool_conversation_view* view);

/** Fills `call`, whose `struct_size` is set. Returns WARPPOOL_OK or WARPPOOL_INVALID_ARGUMENT. `error` may be NULL. */
WARPPOOL_API warppool_code warppool_conversation_view_tool_call(const warppool_conversation_view* view, size_t index,
                                                                warppool_tool_call_info* call, warppool_error** error);

/** Releases a view and sets the variable to NULL. `view` or `*view` may be NULL. */
WARPPOOL_API void warppool_conversation_view_destroy(warppool_conversation_view** view);

/** One message of a task. */
typedef struct warppool_message_info {
  size_t struct_size; /* in: sizeof(warppool_message_info) */
  const char* id;     /* valid as long as the list, as all strings here */
  warppool_message_kind kind;
  const char* text; /* of USER_QUERY, AGENT_OUTPUT and REASONING; else "" */
  size_t length;    /* of `text`, which may hold NUL itself, without the final one */
  const char* json; /* what it says, in protobuf's JSON mapping with the schema's names; "" for OTHER */
} warppool_message_info;

#define WARPPOOL_MESSAGE_INFO_INIT \
  { sizeof(warppool_message_info), "", WARPPOOL_MESSAGE_OTHER, "", 0, "" }

/** How many messages the list has. NULL: 0. */
WARPPOOL_API size_t warppool_message_list_count(const warppool_message_list* messages);

/** Fills `message`, whose `struct_size` is set. Returns WARPPOOL_OK or WARPPOOL_INVALID_ARGUMENT. `error` may be NULL.
 */
WARPPOOL_API warppool_code warppool_message_list_get(const warppool_message_list* messages, size_t index,
                                                     warppool_message_info* message, warppool_error** error);

/** Releases a list and sets the variable to NULL. `messages` or `*messages` may be NULL. */
WARPPOOL_API void warppool_message_list_destroy(warppool_message_list** messages);

/**
 * Sends a request as the conversation's next turn and pushes its events. Returns at once.
 *
 * @param client        not NULL.
 * @param conversation  not NULL.
 * @param request       not NULL. Copied. Not a raw one, which brings a conversation of its own.
 * @param callbacks     as in warppool_client_start(). When `on_done` runs the conversation is free for the next turn.
 * @param stream        out: not NULL; release with warppool_stream_destroy(), which cancels the request if it still
 * runs.
 * @param error         out, may be NULL.
 *
 * @return as warppool_client_start(); WARPPOOL_MISUSE also if the conversation is busy with another request.
 */
WARPPOOL_API warppool_code warppool_client_start_turn(warppool_client* client, warppool_conversation* conversation,
                                                      const warppool_request* request,
                                                      const warppool_stream_callbacks* callbacks,
                                                      warppool_stream** stream, warppool_error** error);

/** The same, for a stream that is pulled with warppool_stream_next(). */
WARPPOOL_API warppool_code warppool_client_start_turn_pull(warppool_client* client, warppool_conversation* conversation,
                                                           const warppool_request* request, warppool_stream** stream,
                                                           warppool_error** error);

/** The same, waiting for the whole answer: as warppool_client_ask(). */
WARPPOOL_API warppool_code warppool_client_ask_turn(warppool_client* client, warppool_conversation* conversation,
                                                    const warppool_request* request, warppool_answer** answer,
                                                    warppool_error** error);

/* --------------------------------------------------------------------------------------------------- pool status -- */

/*
 * A snapshot, from warppool_client_pool(), or in a health report. Its strings are borrowed: valid until it, or the
 * report, is destroyed.
 */

typedef enum warppool_token_state WARPPOOL_ENUM_TYPE {
  WARPPOOL_TOKEN_READY = 1,
  WARPPOOL_TOKEN_COOLING = 2,   /* its quota is used up; ready again at `ready_at_ms` */
  WARPPOOL_TOKEN_DISABLED = 3,  /* too many failures in a row, or refused for good; half open at `ready_at_ms`, unless
                                   that is -1 */
  WARPPOOL_TOKEN_HALF_OPEN = 4, /* disabled, but its delay is over: one request, or health check, may try it */
  WARPPOOL_TOKEN_RESTING = 5    /* refused just now, and left alone for 5 s; then one request at a time may try it */
} warppool_token_state;

/** "ready", "cooling", "disabled", "half open", "resting". Any value, any thread; valid for ever. */
WARPPOOL_API const char* warppool_token_state_name(warppool_token_state state);

/** One token as the snapshot shows it. */
typedef struct warppool_token_info {
  size_t struct_size; /* in: sizeof(warppool_token_info) */
  const char* name;   /* valid as long as the snapshot */
  warppool_tier tier;
  warppool_credential_kind kind;
  warppool_token_state state;
  int32_t failures;               /* failures in a row that it was blamed for */
  int32_t in_flight;              /* requests that use it now */
  warppool_code last_error;       /* of the last attempt that failed, whoever was to blame; WARPPOOL_OK: none did */
  uint64_t served;                /* requests that it brought to a good end */
  uint64_t total_failures;        /* failures in all, those that a success has cleared included */
  uint64_t refreshes;             /* JWTs that were issued for it */
  const char* last_error_message; /* valid as long as the snapshot; "": none */
  int64_t ready_at_ms;      /* COOLING, RESTING: when it is back; DISABLED, HALF_OPEN: from when on it may be tried; in
                               milliseconds since 1970. -1: it is ready, or comes back only after a recovery by
                               hand, an active health check, or with another credential */
  int64_t jwt_expires_ms;   /* when its JWT ends, in milliseconds since 1970; -1: it has none */
  const char* reason;       /* why it is not ready; "": it is. Valid as long as the snapshot */
  const char* same_account; /* the name of an earlier token that belongs to the same account; "": none is known.
                               Valid as long as the snapshot */
  int32_t has_quota;        /* 1: its account was asked, and what follows is its answer, of that moment. 0: not, and
                               what follows is 0, and -1 for the date */
  int32_t quota_unlimited;  /* 1: there is no limit, and the numbers that follow mean nothing; 0: there is one */
  int64_t quota_limit;      /* requests in a period */
  int64_t quota_used;       /* of them, in this one */
  int64_t quota_bonus;      /* what is left of credits that were granted beside them and have not expired */
  int64_t quota_remaining;  /* what is left of the limit, and the bonus */
  int64_t quota_next_reset_ms; /* when the period ends and the quota comes back, in milliseconds since 1970; -1: the
                                  service does not say */
} warppool_token_info;

#define WARPPOOL_TOKEN_INFO_INIT                                                                                      \
  {                                                                                                                   \
    sizeof(warppool_token_info), "", WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, WARPPOOL_TOKEN_READY, \
        0, 0, WARPPOOL_OK, 0, 0, 0, "", -1, -1, "", "", 0, 0, 0, 0, 0, 0, -1                                          \
  }

/** How many tokens there are. NULL: 0. */
WARPPOOL_API size_t warppool_pool_status_count(const warppool_pool_status* status);

/** How many of them are ready. NULL: 0. */
WARPPOOL_API size_t warppool_pool_status_active(const warppool_pool_status* status);

/** Like "5/6 active (PERSONAL: 3/4, SHARED: 2)". NULL: "". */
WARPPOOL_API const char* warppool_pool_status_summary(const warppool_pool_status* status);

/**
 * One of its tokens: in tier order; in a tier, in the order of the configuration.
 *
 * @param status  not NULL.
 * @param index   less than warppool_pool_status_count().
 * @param info    in and out: not NULL, `struct_size` set. Filled up to that size.
 * @param error   out, may be NULL.
 *
 * @return WARPPOOL_OK or WARPPOOL_INVALID_ARGUMENT.
 */
WARPPOOL_API warppool_code warppool_pool_status_token(const warppool_pool_status* status, size_t index,
                                                      warppool_token_info* info, warppool_error** error);

/** Releases a snapshot and sets the variable to NULL. `status` or `*status` may be NULL. */
WARPPOOL_API void warppool_pool_status_destroy(warppool_pool_status** status);

/* --------------------------------------------------------------------------------------------------- explanation -- */

/*
 * Whether a request that came at that moment would have got each token, and why not, from warppool_client_explain().
 * The tokens are in the order of the pool status. Its strings are borrowed: valid until it is destroyed.
 */

/** How many tokens there are. NULL: 0. */
WARPPOOL_API size_t warppool_explanation_count(const warppool_explanation* explanation);

/** The token's name. Index out of range, or NULL: "". */
WARPPOOL_API const char* warppool_explanation_token(const warppool_explanation* explanation, size_t index);

/** Its tier. Index out of range, or NULL: 0, which is none of warppool_tier. */
WARPPOOL_API warppool_tier warppool_explanation_tier(const warppool_explanation* explanation, size_t index);

/** 1: it would be chosen; 2: it would be next if that one fails, and so on. 0: it would not be tried at all; or index
 *  out of range, or NULL. */
WARPPOOL_API int32_t warppool_explanation_turn(const warppool_explanation* explanation, size_t index);

/** Why, as a sentence. Index out of range, or NULL: "". */
WARPPOOL_API const char* warppool_explanation_reason(const warppool_explanation* explanation, size_t index);

/** With turn 0: until when that holds, in milliseconds since 1970. -1: nobody knows, or until it is recovered by hand;
 *  or another turn, index out of range, or NULL. */
WARPPOOL_API int64_t warppool_explanation_until_ms(const warppool_explanation* explanation, size_t index);

/** Releases an explanation and sets the variable to NULL. `explanation` or `*explanation` may be NULL. */
WARPPOOL_API void warppool_explanation_destroy(warppool_explanation** explanation);

/* ------------------------------------------------------------------------------------------------- health report -- */

/*
 * How the tokens are, from warppool_client_check_health(), in the order of the pool status. Everything that these
 * functions return is borrowed: valid until the report is destroyed.
 */

/** How many tokens there are. NULL: 0. */
WARPPOOL_API size_t warppool_health_report_count(const warppool_health_report* report);

/** How many of them are healthy. NULL: 0. */
WARPPOOL_API size_t warppool_health_report_healthy_count(const warppool_health_report* report);

/** 1: the token is ready (passive check), or the service accepted it (active). 0: not; or index out of range, or NULL.
 */
WARPPOOL_API int32_t warppool_health_report_healthy(const warppool_health_report* report, size_t index);

/** What is wrong with the token, with all that an error tells. NULL: nothing, it is healthy; or index out of range, or
 *  NULL. See warppool_error_copy(). */
WARPPOOL_API const warppool_error* warppool_health_report_problem(const warppool_health_report* report, size_t index);

/** Active check: why the token's quota is not known, or an older one. NULL: nothing is wrong with it; or index out of
 *  range, or NULL. Where quotas are not told, a refresh token is healthy once it was exchanged; an API key is not. */
WARPPOOL_API const warppool_error* warppool_health_report_quota_problem(const warppool_health_report* report,
                                                                        size_t index);

/** The pool after the check: name, tier, state, failures, quota and the rest of each token, under the same index. Not
 * to be destroyed. NULL: NULL. */
WARPPOOL_API const warppool_pool_status* warppool_health_report_pool(const warppool_health_report* report);

/** All of it for people: a heading, "Healthy tokens: 5/6", and a line for each token. NULL: "". */
WARPPOOL_API const char* warppool_health_report_to_string(const warppool_health_report* report);

/** Releases a report and sets the variable to NULL. `report` or `*report` may be NULL. */
WARPPOOL_API void warppool_health_report_destroy(warppool_health_report** report);

/* --------------------------------------------------------------------------------------------------- pool change -- */

/*
 * What a call changed in a pool, by the names that the tokens have now (or had, if they were removed). From
 * warppool_client_reload(), and from the functions that change one token. Its strings are borrowed: valid until it is
 * destroyed.
 */

/** How many tokens were added. NULL: 0. */
WARPPOOL_API size_t warppool_pool_change_added_count(const warppool_pool_change* change);

/** The name of one of them. Index out of range, or NULL: "". */
WARPPOOL_API const char* warppool_pool_change_added(const warppool_pool_change* change, size_t index);

/** How many were removed. NULL: 0. */
WARPPOOL_API size_t warppool_pool_change_removed_count(const warppool_pool_change* change);

/** The name of one of them. Index out of range, or NULL: "". */
WARPPOOL_API const char* warppool_pool_change_removed(const warppool_pool_change* change, size_t index);

/** How many were renamed, moved to another tier, or got another credential. 1 from a function that was to do that, also
 *  if the token was so already. NULL: 0. */
WARPPOOL_API size_t warppool_pool_change_changed_count(const warppool_pool_change* change);

/** The name of one of them. Index out of range, or NULL: "". */
WARPPOOL_API const char* warppool_pool_change_changed(const warppool_pool_change* change, size_t index);

/** How many a reload left as they were. From other functions, or NULL: 0. */
WARPPOOL_API size_t warppool_pool_change_kept(const warppool_pool_change* change);

/** Releases it and sets the variable to NULL. `change` or `*change` may be NULL. */
WARPPOOL_API void warppool_pool_change_destroy(warppool_pool_change** change);

/* ---------------------------------------------------------------------------------------------------- statistics -- */

/*
 * A snapshot of what the tokens did, and how it went, from warppool_client_statistics(). Counters only grow. Those of a
 * token go on where they were when it is renamed or moved, and after a restart if there is a store; those of a tier and
 * the totals include tokens that were removed since the client was made. Everything that these functions return is
 * borrowed: valid until the snapshot is destroyed.
 */

/** How one attempt with a token ended, as far as the token is concerned. New values come at the end. */
typedef enum warppool_outcome WARPPOOL_ENUM_TYPE {
  WARPPOOL_OUTCOME_SUCCESS = 0,
  WARPPOOL_OUTCOME_ACCEPTED = 1,        /* the exchange issued a JWT, and that was all that was wanted */
  WARPPOOL_OUTCOME_AUTH_STALE = 2,      /* a JWT that had served before was refused; the same token went on with a new
                                           one */
  WARPPOOL_OUTCOME_AUTH_REJECTED = 3,   /* refused although the JWT was new, or a refresh refused for no final reason: a
                                           failure only if another token of its kind then served the request */
  WARPPOOL_OUTCOME_AUTH_REVOKED = 4,    /* the credential or its account is gone: disabled at once */
  WARPPOOL_OUTCOME_QUOTA_EXHAUSTED = 5, /* cools until its quota is back */
  WARPPOOL_OUTCOME_SERVER_ERROR = 6,    /* 500 for this account: a failure only if another token then served the
                                           request */
  WARPPOOL_OUTCOME_OVERLOADED = 7,      /* the service has too much to do: no token's fault */
  WARPPOOL_OUTCOME_NETWORK = 8,         /* no connection, lost, silent: no token's fault */
  WARPPOOL_OUTCOME_STREAM_CUT = 9,      /* the answer broke off */
  WARPPOOL_OUTCOME_REQUEST_FAULT = 10,  /* the request is at fault */
  WARPPOOL_OUTCOME_GARBLED = 11,        /* the answer makes no sense */
  WARPPOOL_OUTCOME_MISCONFIGURED = 12,  /* a setting is at fault */
  WARPPOOL_OUTCOME_FINISHED_OTHERWISE = 13, /* the agent finished, but not with "done" */
  WARPPOOL_OUTCOME_CANCELLED = 14,          /* the program lost interest */
  WARPPOOL_OUTCOME_BLOCKED = 15,            /* something on the way answered in the service's place: no token's fault */
  WARPPOOL_OUTCOME_HELD = 16                /* another process exchanges it just now: nobody's fault */
} warppool_outcome;

/** How many the library knows: 0 up to one less. Any thread. */
WARPPOOL_API size_t warppool_outcome_count(void);

/** "success", "auth_stale", ... Any value, any thread; valid for ever. */
WARPPOOL_API const char* warppool_outcome_name(warppool_outcome outcome);

/** 1: an attempt that ended so went wrong: all but SUCCESS, ACCEPTED and CANCELLED. 0: it did not, or there is no such
 *  outcome. Any thread. */
WARPPOOL_API int32_t warppool_outcome_is_failed_attempt(warppool_outcome outcome);

/** What is counted alike for a token, for a tier and for all. Borrowed from a snapshot, and never to be destroyed. */
typedef struct warppool_counters warppool_counters;

/** Attempts that began; one request may make several. NULL: 0. */
WARPPOOL_API uint64_t warppool_counters_requests(const warppool_counters* counters);

/** Attempts that ended so. No such outcome, or NULL: 0. */
WARPPOOL_API uint64_t warppool_counters_outcome(const warppool_counters* counters, warppool_outcome outcome);

/** Attempts that ended with SUCCESS. NULL: 0. */
WARPPOOL_API uint64_t warppool_counters_successes(const warppool_counters* counters);

/** Attempts that went wrong, see warppool_outcome_is_failed_attempt(). NULL: 0. */
WARPPOOL_API uint64_t warppool_counters_failed_attempts(const warppool_counters* counters);

/** Failures that the token was blamed for. NULL: 0. */
WARPPOOL_API uint64_t warppool_counters_failures(const warppool_counters* counters);

/** JWTs, or bearers of the program's, that were issued. NULL: 0. */
WARPPOOL_API uint64_t warppool_counters_refreshes(const warppool_counters* counters);

/** How many times the first event of an answer came, whose latency, since its request was sent, the next two functions
 *  tell. NULL: 0. */
WARPPOOL_API uint64_t warppool_counters_first_event_count(const warppool_counters* counters);

/** All these latencies together, in milliseconds. NULL: 0. */
WARPPOOL_API int64_t warppool_counters_first_event_sum_ms(const warppool_counters* counters);

/** How many of them fell into that bucket, without those of the buckets before it; see warppool_latency_bound_ms().
 *  Index out of range, or NULL: 0. */
WARPPOOL_API uint64_t warppool_counters_first_event_bucket(const warppool_counters* counters, size_t index);

/** How many buckets latencies are counted in. Any thread. */
WARPPOOL_API size_t warppool_latency_bucket_count(void);

/** The longest latency, in milliseconds, that a bucket counts. -1: the last one has no bound, or index out of range.
 * Any thread. */
WARPPOOL_API int64_t warppool_latency_bound_ms(size_t index);

/** When the snapshot was taken, in milliseconds since 1970. NULL: -1. */
WARPPOOL_API int64_t warppool_stats_time_ms(const warppool_stats* stats);

/** What became of the requests themselves: of warppool_client_start(), _start_pull() and _ask(). Not kept by a store.
 */
typedef struct warppool_request_stats {
  size_t struct_size; /* in: sizeof(warppool_request_stats) */
  uint64_t started;
  uint64_t succeeded;
  uint64_t failed;
  uint64_t cancelled;
  uint64_t running;
} warppool_request_stats;

#define WARPPOOL_REQUEST_STATS_INIT \
  { sizeof(warppool_request_stats), 0, 0, 0, 0, 0 }

/**
 * What became of the requests.
 *
 * @param stats     not NULL.
 * @param requests  in and out: not NULL, `struct_size` set. Filled up to that size.
 * @param error     out, may be NULL.
 *
 * @return WARPPOOL_OK or WARPPOOL_INVALID_ARGUMENT.
 */
WARPPOOL_API warppool_code warppool_stats_requests(const warppool_stats* stats, warppool_request_stats* requests,
                                                   warppool_error** error);

/** The counters of all tiers together. NULL: NULL. */
WARPPOOL_API const warppool_counters* warppool_stats_total(const warppool_stats* stats);

/** One tier as the snapshot shows it. */
typedef struct warppool_tier_stats {
  size_t struct_size; /* in: sizeof(warppool_tier_stats) */
  warppool_tier tier;
  int32_t tokens;
  int32_t ready;                     /* of them */
  int32_t in_flight;                 /* requests that use them now */
  const warppool_counters* counters; /* valid as long as the snapshot */
} warppool_tier_stats;

#define WARPPOOL_TIER_STATS_INIT \
  { sizeof(warppool_tier_stats), WARPPOOL_TIER_PERSONAL, 0, 0, 0, NULL }

/** How many tiers have tokens, or had some. NULL: 0. */
WARPPOOL_API size_t warppool_stats_tier_count(const warppool_stats* stats);

/**
 * One of the tiers, in tier order.
 *
 * @param stats  not NULL.
 * @param index  less than warppool_stats_tier_count().
 * @param tier   in and out: not NULL, `struct_size` set. Filled up to that size.
 * @param error  out, may be NULL.
 *
 * @return WARPPOOL_OK or WARPPOOL_INVALID_ARGUMENT.
 */
WARPPOOL_API warppool_code warppool_stats_tier(const warppool_stats* stats, size_t index, warppool_tier_stats* tier,
                                               warppool_error** error);

/** One token as the snapshot shows it. */
typedef struct warppool_token_stats {
  size_t struct_size; /* in: sizeof(warppool_token_stats) */
  const char* name;   /* valid as long as the snapshot */
  warppool_tier tier;
  warppool_credential_kind kind;
  warppool_token_state state;
  int32_t in_flight;                 /* requests that use it now */
  const warppool_counters* counters; /* valid as long as the snapshot */
  int64_t last_used_ms;              /* when a request got it, in milliseconds since 1970; -1: none did */
  int64_t jwt_expires_ms;            /* when its JWT ends, in milliseconds since 1970; -1: it has none */
  const char* last_error_message;    /* valid as long as the snapshot; "": none */
  warppool_code last_error;          /* of the last attempt that failed, whoever was to blame; WARPPOOL_OK: none did */
  int32_t has_quota;                 /* this, and what follows, as in warppool_token_info */
  int32_t quota_unlimited;
  int64_t quota_limit;
  int64_t quota_used;
  int64_t quota_bonus;
  int64_t quota_remaining;
  int64_t quota_next_reset_ms;
} warppool_token_stats;

#define WARPPOOL_TOKEN_STATS_INIT                                                                                      \
  {                                                                                                                    \
    sizeof(warppool_token_stats), "", WARPPOOL_TIER_PERSONAL, WARPPOOL_CREDENTIAL_REFRESH_TOKEN, WARPPOOL_TOKEN_READY, \
        0, NULL, -1, -1, "", WARPPOOL_OK, 0, 0, 0, 0, 0, 0, -1                                                         \
  }

/** How many tokens there are. NULL: 0. */
WARPPOOL_API size_t warppool_stats_token_count(const warppool_stats* stats);

/**
 * One of the tokens, in the order of the pool status.
 *
 * @param stats  not NULL.
 * @param index  less than warppool_stats_token_count().
 * @param token  in and out: not NULL, `struct_size` set. Filled up to that size.
 * @param error  out, may be NULL.
 *
 * @return WARPPOOL_OK or WARPPOOL_INVALID_ARGUMENT.
 */
WARPPOOL_API warppool_code warppool_stats_token(const warppool_stats* stats, size_t index, warppool_token_stats* token,
                                                warppool_error** error);

/**
 * All of it as one JSON object, without line ends. N is an integer, S a number of seconds, TIME a text in RFC 3339 and
 * UTC; what can be absent is null. Members may be added, in any place. NULL: "".
 *
 *   {"time": TIME,
 *    "requests": {"started": N, "succeeded": N, "failed": N, "cancelled": N, "running": N},
 *    "total": {COUNTERS},
 *    "tiers": [{"tier": "PERSONAL", "tokens": N, "ready": N, "in_flight": N, COUNTERS}, ...],
 *    "tokens": [{"name": "PERSONAL_3fa9c1", "tier": "PERSONAL", "kind": KIND, "state": STATE, "in_flight": N, COUNTERS,
 *                "last_used": TIME or null, "jwt_expires": TIME or null,
 *                "last_error": {"code": "network", "message": "..."} or null,
 *                "quota": {"unlimited": BOOL, "limit": N, "used": N, "bonus": N, "remaining": N (null: unlimited),
 *                          "next_reset": TIME or null} or null}, ...]}
 *
 *   KIND      "refresh_token", "api_key" or "callback"
 *   STATE     "ready", "cooling", "disabled", "half_open" or "resting"
 *   COUNTERS  "requests": N, "successes": N, "failed_attempts": N, "outcomes": {"success": N, "accepted": N, ...},
 *             "failures": N, "refreshes": N,
 *             "first_event": {"count": N, "sum_seconds": S, "buckets": [{"le": 0.05, "count": N}, ...]}
 *
 * A bucket counts what took up to `le` seconds, the buckets before it included, unlike
 * warppool_counters_first_event_bucket(); the `count` beside them counts longer ones, too.
 */
WARPPOOL_API const char* warppool_stats_json(const warppool_stats* stats);

/**
 * All of it in the text format of Prometheus, version 0.0.4 (Content-Type: text/plain; version=0.0.4). NULL: "".
 *
 *   warppool_requests_started_total, warppool_requests_total {result}, warppool_requests_running
 *   warppool_tier_tokens {tier, state}, warppool_tier_in_flight {tier}
 *   warppool_token_in_flight, _last_used_timestamp_seconds, _jwt_expiry_timestamp_seconds {tier, token}
 *   warppool_token_state {tier, token, state}                1 for the state that it is in, 0 for the others
 *   warppool_token_last_error_info {tier, token, code}       1
 *   warppool_token_quota_limit, _remaining, _used, _bonus, _reset_timestamp_seconds {tier, token}
 *   warppool_token_attempts_total, _failures_total, _refreshes_total {tier, token}
 *   warppool_token_attempt_outcomes_total {tier, token, outcome}
 *   warppool_token_first_event_seconds {tier, token}         histogram
 *
 * The last three lines also with "tier" in place of "token" and {tier}: a tier's numbers are their own families since
 * they include removed tokens, so that to alert on a rate, take these. What is not known is left out.
 */
WARPPOOL_API const char* warppool_stats_prometheus(const warppool_stats* stats);

/** Releases a snapshot and sets the variable to NULL. `stats` or `*stats` may be NULL. */
WARPPOOL_API void warppool_stats_destroy(warppool_stats** stats);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* WARPPOOL_H_ */
