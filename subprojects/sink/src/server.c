/* SPDX-License-Identifier: MIT */
/* Opens and frees what all connections share: certificate, users, ledger. */
#include "server.h"

#include "ledger.h"
#include "options.h"
#include "tls.h"

#include <stdio.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

int server_init(struct server *server)
{
        const struct settings *settings = &server->settings;
        pthread_rwlockattr_t attributes;
        struct stat status;

        /* The default lets readers starve the control port's changes under load. */
        pthread_rwlockattr_init(&attributes);
        pthread_rwlockattr_setkind_np(&attributes, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
        pthread_rwlock_init(&server->settings_lock, &attributes);
        pthread_rwlockattr_destroy(&attributes);

        server->ledger = -1;
        if (settings->cert_file != NULL || settings->self_signed_file != NULL) {
                int failed = tls_server_new(&server->tls, settings);

                if (failed != 0)
                        return failed;
        }
        if (settings->users_file != NULL && !users_load(&server->users, settings->users_file))
                return EX_NOINPUT;
        if (settings->ledger_file != NULL && (server->ledger = ledger_open(settings->ledger_file)) < 0)
                return EX_CANTCREAT;
        if (settings->store_directory != NULL &&
                (stat(settings->store_directory, &status) != 0 || !S_ISDIR(status.st_mode))) {
                fprintf(stderr, "postel-sink: --store: %s is no directory\n", settings->store_directory);
                return EX_CANTCREAT;
        }
        return 0;
}

void server_deinit(struct server *server)
{
        if (server->ledger >= 0)
                close(server->ledger);
        users_deinit(&server->users);
        tls_server_free(&server->tls);
        settings_deinit(&server->settings);
        pthread_rwlock_destroy(&server->settings_lock);
}
