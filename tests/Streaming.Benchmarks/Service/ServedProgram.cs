using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Streaming.Benchmarks.Files;
using Streaming.Models;
using Streaming.Telemetry;

namespace Streaming.Benchmarks.Service;

/// <summary>
/// The child process: the service's own <c>Program</c>, run from its entry point, with one thing exchanged as it builds its
/// host: the generator, for one whose text carries the time.
/// </summary>
static class ServedProgram
{
    /// <summary>First argument; then pace per generation (0: as fast as it goes), number of generations, and the service's own.</summary>
    public const string Command = "serve";

    /// <summary>Followed by a slash and the id of a session.</summary>
    public const string LookUpPath = "/benchmark/look-up";

    /// <summary>Followed by a slash and a number of bytes.</summary>
    public const string BytesPath = "/benchmark/bytes";

    /// <summary>Answers with the milliseconds that the program has stood still for collections of garbage.</summary>
    public const string PausesPath = "/benchmark/pauses";

    public static async Task<int> RunAsync(string[] args)
    {
        var tokensPerSecond = double.Parse(args[0], CultureInfo.InvariantCulture);
        var generations = int.Parse(args[1], CultureInfo.InvariantCulture);
        using var subscription = DiagnosticListener.AllListeners.Subscribe(new HostBuilding(services =>
        {
            services.AddSingleton(provider => new ModelClient(
                new MarkedChatClient(tokensPerSecond, generations), new ModelInfo("benchmark", "marked"),
                provider.GetRequiredService<IOptions<ModelOptions>>().Value, provider.GetRequiredService<TimeProvider>(),
                provider.GetRequiredService<ServiceMetrics>()));
            services.AddHostedService<EndWithParent>();
            services.AddSingleton<IStartupFilter, LookUp>();
            services.AddSingleton<IStartupFilter, RivalFilter>();
        }));
        var result = typeof(ModelClient).Assembly.EntryPoint!.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [args[2..]], null);
        if (result is Task task)
            await task;
        return Environment.ExitCode;
    }

    /// <summary>
    /// Every host announces that it is about to be built, with its builder: what the framework's own test host and Entity
    /// Framework's tools use. What is registered then comes after, and so before, the program's own.
    /// </summary>
    sealed class HostBuilding(Action<IServiceCollection> change) : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>
    {
        public void OnNext(DiagnosticListener value)
        {
            if (value.Name == "Microsoft.Extensions.Hosting")
                value.Subscribe(this);
        }

        public void OnNext(KeyValuePair<string, object?> value)
        {
            if (value is { Key: "HostBuilding", Value: IHostBuilder builder })
                builder.ConfigureServices((_, services) => change(services));
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }
    }

    /// <summary>
    /// A request that does nothing but look a session up by its primary key, and one that answers with bytes: what HTTP and the pool cost by themselves.
    /// </summary>
    sealed class LookUp : IStartupFilter
    {
        public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
        {
            app.Map(LookUpPath, branch => branch.Run(async http =>
            {
                var postgres = http.RequestServices.GetRequiredService<Streaming.Database.Postgres>();
                await using var connection = await postgres.ConnectAsync(http.RequestAborted);
                await using var command = new Npgsql.NpgsqlCommand("select * from sessions where id = $1", connection)
                {
                    Parameters = { new Npgsql.NpgsqlParameter<Guid> { TypedValue = Guid.Parse(http.Request.Path.Value!.AsSpan(1)) } },
                };
                await using var reader = await command.ExecuteReaderAsync(http.RequestAborted);
                http.Response.StatusCode = await reader.ReadAsync(http.RequestAborted) ? StatusCodes.Status200OK : StatusCodes.Status404NotFound;
            }));
            var bytes = new byte[1024 * 1024];
            app.Map(BytesPath, branch => branch.Run(async http =>
                await http.Response.BodyWriter.WriteAsync(bytes.AsMemory(0, int.Parse(http.Request.Path.Value!.AsSpan(1), CultureInfo.InvariantCulture)))));
            app.Map(PausesPath, branch => branch.Run(http => http.Response.WriteAsync(
                GC.GetTotalPauseDuration().TotalMilliseconds.ToString(CultureInfo.InvariantCulture))));
            next(app);
        };
    }

    /// <summary>
    /// The input is a pipe from the benchmark: its end, planned or by kill -9, stops the service in good order. It is read by a thread of its
    /// own: ReadAsync of a console blocks one of the pool's threads, of which the service has two on two cores.
    /// </summary>
    sealed class EndWithParent(IHostApplicationLifetime lifetime) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken)
        {
            new Thread(StopAtEnd) { IsBackground = true, Name = "parent" }.Start();
            return Task.CompletedTask;
        }

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        void StopAtEnd()
        {
            using var input = Console.OpenStandardInput();
            while (input.Read(new byte[16]) > 0)
            {
            }

            lifetime.StopApplication();
        }
    }
}
