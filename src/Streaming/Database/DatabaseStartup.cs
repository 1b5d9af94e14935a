using Microsoft.Extensions.Options;
using Npgsql;
using Streaming.Configuration;
using Streaming.Database.Embedded;

namespace Streaming.Database;

/// <summary>
/// Finds the user's PostgreSQL or starts the embedded one, migrates it and opens <see cref="Postgres"/>. First of the
/// hosted services to start, so the last to stop: the embedded server outlives everybody who writes to it.
/// </summary>
public sealed class DatabaseStartup(
    Postgres postgres, ConnectionSettings settings, IOptions<ServiceOptions> storage, IOptions<DatabaseOptions> options,
    IHostApplicationLifetime lifetime, ILogger<DatabaseStartup> log, TimeProvider clock) : BackgroundService
{
    static readonly TimeSpan RetryDelay = TimeSpan.FromSeconds(1);

    EmbeddedPostgres? _embedded;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        try
        {
            if (settings.IsEmbedded)
            {
                _embedded = await EmbeddedPostgres.StartAsync(new EmbeddedPostgresOptions
                {
                    DataDirectory = storage.Value.DataDirectory ?? DataDirectory.Default(),
                    BinDirectory = options.Value.BinDirectory,
                }, log, clock, stoppingToken);
                settings.UseEmbedded(_embedded.ConnectionString);
            }

            var dataSource = ConnectionSettings.Source(settings.Pooled());
            await MigrateAsync(dataSource, stoppingToken);
            if (settings.IsEmbedded)
                await ExpireLeasesAsync(dataSource, stoppingToken);
            postgres.Open(dataSource, Enum.GetValues<OwnConnection>().ToDictionary(own => own, _ => ConnectionSettings.Source(settings.Own())));
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        catch (Exception fault)
        {
            // The code is what docs/operations.md is looked up by.
            log.LogCritical("The service cannot start ({Code}): {Reason}",
                fault is EmbeddedPostgresException embedded ? embedded.Code : fault.GetType().Name, fault.Message);
            Environment.ExitCode = 1;
            lifetime.StopApplication();
        }
    }

    /// <summary>A server that is not there yet is waited for; a schema that does not fit is final.</summary>
    async Task MigrateAsync(NpgsqlDataSource dataSource, CancellationToken cancellation)
    {
        while (true)
        {
            try
            {
                var applied = await Migrator.MigrateAsync(dataSource, cancellation);
                if (applied.Count > 0)
                    log.LogInformation("Migrated the database: {Migrations}", applied);
                return;
            }
            catch (Exception fault) when (Postgres.IsTransient(fault))
            {
                log.LogWarning("The database cannot be reached, trying again in {Delay}: {Reason}", RetryDelay, fault.Message);
                await Task.Delay(RetryDelay, clock, cancellation);
            }
        }
    }

    /// <summary>
    /// No two services run on one data directory, so the workers of all leases are gone: nobody need wait for them to run out.
    /// </summary>
    static async Task ExpireLeasesAsync(NpgsqlDataSource dataSource, CancellationToken cancellation)
    {
        await using var command = dataSource.CreateCommand(Sql.Named("transforms/expire_leases"));
        await command.ExecuteNonQueryAsync(cancellation);
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        // First: a server that stops under open connections complains of each.
        await postgres.DisposeAsync();
        if (_embedded is not null)
            await _embedded.DisposeAsync();
    }
}
