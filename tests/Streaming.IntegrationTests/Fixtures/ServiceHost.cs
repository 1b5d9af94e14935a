using Microsoft.AspNetCore.Mvc.Testing;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Streaming.Database;
using Xunit;

namespace Streaming.IntegrationTests.Fixtures;

/// <summary>The service on a real Kestrel socket, with a database of its own unless it is given one.</summary>
public sealed class ServiceHost : IAsyncDisposable
{
    readonly WebApplicationFactory<Program> _factory;
    readonly PostgresServer? _owner;
    readonly TemporaryDirectory _files;

    ServiceHost(WebApplicationFactory<Program> factory, string connectionString, PostgresServer? owner, TemporaryDirectory files)
    {
        (_factory, _owner, ConnectionString, _files) = (factory, owner, connectionString, files);
        Address = factory.ClientOptions.BaseAddress;
        // Not one of the factory's: those end before the service does.
        Client = new HttpClient { BaseAddress = Address, Timeout = TimeSpan.FromSeconds(60) };
    }

    public Uri Address { get; }

    public HttpClient Client { get; }

    public string ConnectionString { get; }

    /// <summary>Where its files lie, unless the settings say otherwise.</summary>
    public string Files => _files.Path;

    public T Service<T>() where T : notnull => _factory.Services.GetRequiredService<T>();

    /// <summary>Starts the service and waits until it is ready.</summary>
    /// <param name="postgres">Where its database is made.</param>
    /// <param name="settings">Options; the offline generator runs unpaced unless they say otherwise.</param>
    /// <param name="connectionString">A database that the caller owns, such as another host's.</param>
    /// <param name="services">Replaces services.</param>
    public static async Task<ServiceHost> StartAsync(
        PostgresServer postgres, IEnumerable<KeyValuePair<string, string>>? settings = null, string? connectionString = null,
        Action<IServiceCollection>? services = null)
    {
        var database = connectionString ?? await postgres.CreateDatabaseAsync(
            await postgres.TemplateAsync("service", MigrateAsync), TestContext.Current.CancellationToken);
        var files = new TemporaryDirectory();
        var factory = new WebApplicationFactory<Program>().WithWebHostBuilder(builder =>
        {
            builder.UseSetting("urls", "http://127.0.0.1:0");
            builder.UseSetting("ConnectionStrings:Streaming", database);
            builder.UseSetting("Models:Offline:TokensPerSecond", "0");
            builder.UseSetting("Subscriptions:DrainTime", "00:00:00");
            builder.UseSetting("Files:Directory", files.Path);
            builder.UseSetting("Logging:LogLevel:Default", "None");
            foreach (var (name, value) in settings ?? [])
                builder.UseSetting(name, value);
            if (services is not null)
                builder.ConfigureTestServices(services);
        });
        factory.UseKestrel();
        factory.StartServer();
        var host = new ServiceHost(factory, database, connectionString is null ? postgres : null, files);
        await Eventually.TrueAsync(async () => (await host.Client.GetAsync("/health/ready")).IsSuccessStatusCode, "the service is ready");
        return host;
    }

    static async Task MigrateAsync(string connectionString)
    {
        await using var dataSource = NpgsqlDataSource.Create(connectionString);
        await Migrator.MigrateAsync(dataSource, TestContext.Current.CancellationToken);
    }

    /// <summary>Stops the service and leaves its database.</summary>
    public async Task StopAsync()
    {
        await Service<IHost>().StopAsync();
        await _factory.DisposeAsync();
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _factory.DisposeAsync();
        _files.Dispose();
        if (_owner is not null)
            await _owner.DropDatabaseAsync(ConnectionString);
    }
}

/// <summary>One service for a test class.</summary>
public sealed class ServiceFixture(PostgresServer postgres) : IAsyncLifetime
{
    public ServiceHost Host { get; private set; } = null!;

    public PostgresServer Postgres => postgres;

    public async ValueTask InitializeAsync() => Host = await ServiceHost.StartAsync(postgres);

    public ValueTask DisposeAsync() => Host.DisposeAsync();
}
