using System.Globalization;
using Npgsql;
using Streaming.Database;

namespace Streaming.Notifications;

/// <summary>
/// The process's one LISTEN connection. Reads the ids that the triggers of <c>transform_chunks</c>, <c>transforms</c> and
/// <c>artifacts</c> send and passes them to the <see cref="IChangeObserver"/>s.
/// </summary>
/// <remarks>
/// <code>
///   connecting ──LISTEN──> listening ──fault──> waiting (0.1 s … 5 s) ──> connecting
/// </code>
/// </remarks>
public sealed class ChangeListener(
    Postgres postgres, ConnectionSettings settings, IEnumerable<IChangeObserver> observers,
    ILogger<ChangeListener> log, TimeProvider clock) : BackgroundService
{
    const string Listen = "LISTEN transform_changes; LISTEN transform_status; LISTEN session_artifacts";
    static readonly TimeSpan DelayMin = TimeSpan.FromMilliseconds(100);
    static readonly TimeSpan DelayMax = TimeSpan.FromSeconds(5);

    readonly IChangeObserver[] _observers = [.. observers];
    volatile bool _isListening;

    /// <summary>Whether notifications arrive at the moment. While they do not, observers live by looking for themselves.</summary>
    public bool IsListening => _isListening;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await postgres.WaitUntilOpenAsync(stoppingToken);
        var delay = DelayMin;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(() => delay = DelayMin, stoppingToken);
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception fault)
            {
                log.LogWarning("The LISTEN connection was lost, connecting again in {Delay}: {Reason}", delay, fault.Message);
            }

            _isListening = false;
            await Task.Delay(delay, clock, stoppingToken);
            delay = delay * 2 < DelayMax ? delay * 2 : DelayMax;
        }
    }

    async Task ListenAsync(Action connected, CancellationToken cancellation)
    {
        await using var source = ConnectionSettings.Source(settings.Listening());
        await using var connection = source.CreateConnection();
        connection.Notification += (_, notification) => Dispatch(notification.Channel, notification.Payload);
        await connection.OpenAsync(cancellation);
        await using (var command = new NpgsqlCommand(Listen, connection))
            await command.ExecuteNonQueryAsync(cancellation);
        _isListening = true;
        connected();
        foreach (var observer in _observers)
            observer.ListenerConnected();
        while (true)
            await connection.WaitAsync(cancellation);
    }

    void Dispatch(string channel, string payload)
    {
        try
        {
            switch (channel)
            {
                case "transform_changes":
                    foreach (var range in payload.AsSpan().Split(','))
                    {
                        var entry = payload.AsSpan(range);
                        var transformId = Guid.Parse(entry[..36]);
                        var head = int.Parse(entry[37..], NumberStyles.None, CultureInfo.InvariantCulture);
                        foreach (var observer in _observers)
                            observer.MessagesAppended(transformId, head);
                    }

                    break;
                case "transform_status":
                    var parts = payload.Split(':');
                    foreach (var observer in _observers)
                        observer.StatusChanged(Guid.Parse(parts[0]), Guid.Parse(parts[1]), parts[2]);
                    break;
                case "session_artifacts":
                    var sessionId = Guid.Parse(payload);
                    foreach (var observer in _observers)
                        observer.ArtifactsCreated(sessionId);
                    break;
            }
        }
        // Anybody with a connection may NOTIFY anything on these channels.
        catch (Exception fault) when (fault is FormatException or ArgumentOutOfRangeException or OverflowException or IndexOutOfRangeException)
        {
            log.LogWarning("A notification on {Channel} cannot be read: {Payload}", channel, payload);
        }
    }
}
