using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Options;
using Serilog;
using Streaming.Database;
using Streaming.Files;
using Streaming.Http;
using Streaming.Http.Authentication;
using Streaming.Http.Limits;
using Streaming.Images;
using Streaming.Messages;
using Streaming.Notifications;
using Streaming.Pipelines.Analysis;
using Streaming.Pipelines.Ideation;
using Streaming.Pipelines.Logo;
using Streaming.Pipelines.Outline;
using Streaming.Pipelines.Outline.Documents;
using Streaming.Pipelines.Upload;
using Streaming.Sessions;
using Streaming.Status;
using Streaming.Subscriptions;
using Streaming.Telemetry;
using Streaming.Transforms;
using Streaming.WebSockets;

namespace Streaming.Configuration;

/// <summary>What <c>Program.cs</c> lists, room by room.</summary>
public static class ServiceRegistration
{
    const string UrlDefault = "http://127.0.0.1:5080";
    static readonly TimeSpan StopPatience = TimeSpan.FromSeconds(10);

    /// <summary>Serilog from section <c>Serilog</c>. (One line of Serilog.AspNetCore, where that package can be had.)</summary>
    public static void AddLogs(this WebApplicationBuilder builder)
    {
        builder.Logging.ClearProviders();
        builder.Logging.AddSerilog(new LoggerConfiguration().ReadFrom.Configuration(builder.Configuration).CreateLogger(), dispose: true);
    }

    public static void AddServer(this WebApplicationBuilder builder)
    {
        if (string.IsNullOrEmpty(builder.Configuration["urls"]) && string.IsNullOrEmpty(builder.Configuration["http_ports"]))
            builder.WebHost.UseUrls(UrlDefault);
        builder.WebHost.ConfigureKestrel((context, kestrel) =>
        {
            kestrel.AddServerHeader = false;
            // The framework itself reads Kestrel:Endpoints alone.
            context.Configuration.GetSection("Kestrel:Limits").Bind(kestrel.Limits);
            kestrel.Limits.MaxRequestBodySize = (context.Configuration.GetSection("Limits").Get<LimitOptions>() ?? new LimitOptions()).BodyBytesMax;
            var auth = context.Configuration.GetSection("Auth").Get<AuthOptions>() ?? new AuthOptions();
            if (auth is { Mode: AuthOptions.None, AllowRemote: false })
                // The options' validation has looked at the configuration, before anything was begun; this looks at what is
                // really about to be bound, also later, when somebody changes Kestrel:Endpoints in appsettings.json.
                kestrel.ConfigureEndpointDefaults(listen =>
                {
                    if (!ListenAddresses.IsLocal(listen.EndPoint))
                        throw new OptionsValidationException("Auth", typeof(AuthOptions), [AuthOptionsValidation.RemoteFault(listen.EndPoint.ToString()!)]);
                });
        });
        builder.Services.AddSingleton<IConnectionListenerFactory, PacedTransport>();
        builder.Services.Configure<SocketTransportOptions>(sockets => sockets.Backlog = int.MaxValue);
        builder.Services.AddOptions<HostOptions>().Configure<IOptions<SubscriptionOptions>>(
            (host, subscriptions) => host.ShutdownTimeout = subscriptions.Value.DrainTime + StopPatience);
    }

    public static void AddOptions(this WebApplicationBuilder builder)
    {
        Bind<ServiceOptions>("Streaming");
        builder.Services.AddSingleton<IValidateOptions<ServiceOptions>, ServiceOptionsValidation>();
        builder.Services.AddOptions<ServiceOptions>().ValidateOnStart();
        Bind<DatabaseOptions>("Database");
        Bind<MessageOptions>("Messages");
        Bind<SubscriptionOptions>("Subscriptions");
        Bind<TransformOptions>("Transforms");
        Bind<RetentionOptions>("Retention");
        Bind<LimitOptions>("Limits");
        Bind<WebSocketsOptions>("WebSockets");
        Bind<LogoOptions>("Logos");
        Bind<FilesOptions>("Files");
        Bind<DocumentOptions>("Documents");
        Bind<ImageOptions>("Images");
        Bind<UploadOptions>("Uploads");
        Bind<AnalysisOptions>("Analyses");
        Bind<AuthOptions>("Auth");
        Bind<TelemetryOptions>("Telemetry");
        Bind<StatusOptions>("Status");

        void Bind<T>(string section) where T : class => builder.Services.Configure<T>(builder.Configuration.GetSection(section));
    }

    public static void AddTelemetry(this IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<TelemetryOptions>, TelemetryOptionsValidation>();
        services.AddOptions<TelemetryOptions>().ValidateOnStart();
        services.AddSingleton<ServiceMetrics>();
        services.AddHostedService<OtlpExport>();
        services.AddHostedService<ServiceObserver>();
    }

    public static void AddDatabase(this IServiceCollection services)
    {
        services.AddSingleton<ConnectionSettings>();
        services.AddSingleton<Postgres>();
        services.AddSingleton<Replica>();
        services.AddHostedService<DatabaseStartup>();
    }

    public static void AddNotifications(this IServiceCollection services)
    {
        services.AddSingleton<ChangeListener>();
        services.AddHostedService(provider => provider.GetRequiredService<ChangeListener>());
    }

    public static void AddMessages(this IServiceCollection services)
    {
        services.AddSingleton<MessageAppender>();
        services.AddHostedService(provider => provider.GetRequiredService<MessageAppender>());
        services.AddSingleton<MessageRetention>();
        services.AddHostedService(provider => provider.GetRequiredService<MessageRetention>());
    }

    public static void AddSubscriptions(this IServiceCollection services)
    {
        services.AddSingleton<Drain>();
        services.AddHostedService(provider => provider.GetRequiredService<Drain>());
        services.AddSingleton<MessagePages>();
        services.AddSingleton<LiveReaders>();
        services.AddSingleton<IChangeObserver>(provider => provider.GetRequiredService<LiveReaders>());
        services.AddSingleton<ICommitObserver>(provider => provider.GetRequiredService<LiveReaders>());
        services.AddHostedService(provider => provider.GetRequiredService<LiveReaders>());
        services.AddSingleton<SubscriptionWriter>();
    }

    public static void AddSessions(this IServiceCollection services)
    {
        services.AddSingleton<SessionReader>();
        services.AddSingleton<ArtifactReader>();
        services.AddSingleton<UploadReader>();
        services.AddSingleton<AnalysisReader>();
        services.AddSingleton<FreshStateReader>();
        services.AddSingleton<SessionWriter>();
        services.AddSingleton<RelayAppender>();
        services.AddHostedService(provider => provider.GetRequiredService<RelayAppender>());
        services.AddSingleton<RelayWriter>();
        services.AddSingleton<GuidanceWriter>();
        services.AddSingleton<ShortStreamReader>();
        services.AddSingleton<StateWaiter>();
        services.AddSingleton<IChangeObserver>(provider => provider.GetRequiredService<StateWaiter>());
        AddKind<RelayKind>(services);
    }

    public static void AddWebSockets(this IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<WebSocketsOptions>, WebSocketsOptionsValidation>();
        services.AddOptions<WebSocketsOptions>().ValidateOnStart();
        services.AddSingleton<FollowedSessions>();
        services.AddSingleton<SessionWatch>();
        services.AddSingleton<IChangeObserver>(provider => provider.GetRequiredService<SessionWatch>());
        services.AddHostedService(provider => provider.GetRequiredService<SessionWatch>());
        services.AddSingleton<FeedServices>();
        services.AddSingleton<OpenConnections>();
        services.AddSingleton<IStatusSource, StatusSource>();
        services.AddSingleton<ConnectionClock>();
        services.AddHostedService(provider => provider.GetRequiredService<ConnectionClock>());
        services.AddSingleton<ConnectionRunner>();
    }

    public static void AddFiles(this IServiceCollection services)
    {
        AddKind<FileKind>(services);
        services.AddSingleton<FileMetrics>();
        services.AddSingleton<FileCleanup>();
        services.AddSingleton<FileStore>();
        services.AddSingleton<FileStreams>();
        services.AddHostedService(provider => provider.GetRequiredService<FileStreams>());
        services.AddSingleton<FileUploads>();
        services.AddSingleton<FileDownloads>();
        services.AddSingleton<DocumentReader>();
        services.AddSingleton<FileMaintenance>();
        services.AddHostedService(provider => provider.GetRequiredService<FileMaintenance>());
    }

    public static void AddPipelines(this IServiceCollection services)
    {
        AddPipeline<IdeationPipeline>(services);
        services.AddSingleton<IValidateOptions<DocumentOptions>, DocumentOptionsValidation>();
        services.AddOptions<DocumentOptions>().ValidateOnStart();
        AddPipeline<OutlinePipeline>(services);
        services.AddSingleton<IValidateOptions<LogoOptions>, LogoOptionsValidation>();
        services.AddOptions<LogoOptions>().ValidateOnStart();
        services.AddSingleton<SvgSanitizer>();
        services.AddSingleton<Rasterizer>();
        AddPipeline<LogoPipeline>(services);
        services.AddSingleton<IValidateOptions<ImageOptions>, ImageOptionsValidation>();
        services.AddOptions<ImageOptions>().ValidateOnStart();
        services.AddSingleton<Vips>();
        services.AddSingleton<ImageOptimizer>();
        services.AddSingleton<IValidateOptions<UploadOptions>, UploadOptionsValidation>();
        services.AddOptions<UploadOptions>().ValidateOnStart();
        AddPipeline<UploadPipeline>(services);
        services.AddSingleton<ImageMeter>();
        services.AddSingleton<IValidateOptions<AnalysisOptions>, AnalysisOptionsValidation>();
        services.AddOptions<AnalysisOptions>().ValidateOnStart();
        AddPipeline<AnalysisPipeline>(services);
    }

    public static void AddTransforms(this IServiceCollection services)
    {
        services.AddSingleton<GuidanceReader>();
        services.AddSingleton<TransformRun>();
        services.AddSingleton<TransformWorker>();
        services.AddSingleton<IChangeObserver>(provider => provider.GetRequiredService<TransformWorker>());
        services.AddHostedService(provider => provider.GetRequiredService<TransformWorker>());
    }

    public static void AddStatus(this IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<StatusOptions>, StatusOptionsValidation>();
        services.AddOptions<StatusOptions>().ValidateOnStart();
        services.AddSingleton<ServiceInstance>();
        services.AddSingleton<MeterReadings>();
        services.AddSingleton<ProcessMeter>();
        services.AddSingleton<Dependencies>();
        services.AddSingleton<StatusReader>();
        services.AddSingleton<StatusBoard>();
        services.AddSingleton<StatusFeed>();
        services.AddSingleton<StatusSampler>();
        services.AddHostedService(provider => provider.GetRequiredService<StatusSampler>());
    }

    public static void AddAuthentication(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<IValidateOptions<AuthOptions>, AuthOptionsValidation>();
        builder.Services.AddOptions<AuthOptions>().ValidateOnStart();
        builder.Services.AddSingleton<TokenValidator>();
        builder.Services.AddSingleton<Authenticator>();
        builder.Services.AddSingleton<Tickets>();
    }

    public static void AddLimits(this IServiceCollection services)
    {
        services.AddSingleton<IValidateOptions<LimitOptions>, LimitOptionsValidation>();
        services.AddOptions<LimitOptions>().ValidateOnStart();
        services.AddSingleton<IValidateOptions<MessageOptions>, LimitOptionsValidation>();
        services.AddOptions<MessageOptions>().ValidateOnStart();
        services.AddSingleton<UserLimits>();
        services.AddSingleton<OpenStreams>();
        services.AddSingleton<RequestRates>();
        services.AddSingleton<IConfigureOptions<RateLimiterOptions>>(provider => provider.GetRequiredService<RequestRates>());
        services.AddRateLimiter(_ => { });
    }

    public static void AddHttpApi(this IServiceCollection services)
    {
        services.AddSingleton<SessionRoutes>();
        services.AddSingleton<StreamResponse>();
        services.AddSingleton<StreamRoutes>();
        services.AddSingleton<MultiStreamRoutes>();
        services.AddSingleton<WebSocketRoutes>();
        services.AddSingleton<ArtifactRoutes>();
        services.AddSingleton<UploadRoutes>();
        services.AddSingleton<FileRoutes>();
        services.AddSingleton<ImageReceiver>();
        services.AddSingleton<ImageUploadRoutes>();
        services.AddSingleton<StatusRoutes>();
        services.AddSingleton<AnalysisRoutes>();
        services.AddSingleton<AnalysisSelfTest>();
        services.AddProblemDetails(problems => problems.CustomizeProblemDetails = Problems.Complete);
        services.AddOpenApi(OpenApiSecurity.Describe);
        services.ConfigureHttpJsonOptions(json =>
        {
            json.SerializerOptions.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
            json.SerializerOptions.TypeInfoResolver = json.SerializerOptions.TypeInfoResolver?.WithAddedModifier(StatusRoutes.NameProperties);
        });
    }

    public static void UseHttpApi(this WebApplication app)
    {
        app.Use(ResponseHeaders.AddAsync);
        app.UseExceptionHandler(new ExceptionHandlerOptions
        {
            ExceptionHandler = Problems.HandleExceptionAsync,
            // Everybody who comes while the database is away is answered 503: a stack trace for each would bury what the log says of it.
            SuppressDiagnosticsCallback = context => context.Exception is DatabaseUnavailableException,
        });
        // Streams answer every refusal in full themselves; 0.4 KB of this would stay with each that is open.
        app.UseWhen(http => http.GetEndpoint()?.Metadata.GetMetadata<TakesTicket>() is null, branch => branch.UseStatusCodePages());
        app.UseWhen(http => http.Request.Path.StartsWithSegments(WebSocketRoutes.Path), branch => branch.UseWebSockets());
        app.Use((http, next) => app.Services.GetRequiredService<Authenticator>().InvokeAsync(http, next));
        if (!IsApi(app))
            return;
        app.UseRateLimiter();
        // One page for all, which goes by its address.
        app.Use((http, next) =>
        {
            if (http.Request.Path == "/analysis")
                http.Request.Path = "/index.html";
            return next(http);
        });
        app.UseDefaultFiles();
        app.UseStaticFiles(Revalidated());
        var client = Revalidated();
        client.RequestPath = "/client";
        client.FileProvider = new PhysicalFileProvider(Path.Combine(AppContext.BaseDirectory, "client"));
        app.UseStaticFiles(client);

        static StaticFileOptions Revalidated() =>
            new() { OnPrepareResponse = context => context.Context.Response.Headers.CacheControl = "no-cache" };
    }

    public static void MapHttpApi(this WebApplication app)
    {
        HealthRoutes.Map(app);
        if (!IsApi(app))
            return;
        IdeationRoutes.Map(app);
        OutlineRoutes.Map(app);
        LogoRoutes.Map(app);
        ImageUploadRoutes.Map(app);
        AnalysisRoutes.Map(app);
        RelayRoutes.Map(app);
        FileRoutes.Map(app);
        StreamRoutes.Map(app);
        MultiStreamRoutes.Map(app);
        WebSocketRoutes.Map(app);
        TicketRoutes.Map(app);
        StatusRoutes.Map(app);
        app.MapOpenApi().AllowAnonymous();
        // Asked for by browsers that show a JSON page, which names no icon.
        app.MapGet("/favicon.ico", () => Results.Redirect("/favicon.svg", permanent: true)).ExcludeFromDescription().AllowAnonymous();
    }

    /// <summary>Runs until it is told to stop. For options that are not valid the last line says which and why; the exit code is 1.</summary>
    public static async Task<int> RunOrExplainAsync(this WebApplication app)
    {
        try
        {
            await app.RunAsync();
        }
        catch (OptionsValidationException fault)
        {
            // The log has been closed with the host.
            foreach (var failure in fault.Failures)
                Console.Error.WriteLine($"The service cannot start: {failure}");
            Environment.ExitCode = 1;
        }

        return Environment.ExitCode;
    }

    // A role that does not exist is named at the start, with the other options.
    static bool IsApi(WebApplication app) => app.Configuration["Streaming:Role"] != ServiceOptions.Worker;

    static void AddKind<T>(IServiceCollection services) where T : class, ISessionKind
    {
        services.AddSingleton<T>();
        services.AddSingleton<ISessionKind>(provider => provider.GetRequiredService<T>());
    }

    static void AddPipeline<T>(IServiceCollection services) where T : class, IPipeline
    {
        AddKind<T>(services);
        services.AddSingleton<IPipeline>(provider => provider.GetRequiredService<T>());
    }
}
